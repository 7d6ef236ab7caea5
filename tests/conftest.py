"""Paths and environment that every test shares."""

import gc
import os
import random
import shutil
import subprocess
import sys
import tempfile

import pytest
from hypothesis import settings

from tests import forking

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # what tests start compiles nothing anew
sys.dont_write_bytecode = False
ROOM = tempfile.mkdtemp(prefix="bntui-test-")
"""Logs of this process's tests, and what the programs that they start remember."""
os.environ["XDG_DATA_HOME"] = ROOM

OFTEN = ("hypothesis.strategies", "torch._dynamo", "torch.optim")
"""What most workers load besides what programs do; dynamo is loaded by the first optimizer."""

settings.register_profile("suite", deadline=None, max_examples=30, derandomize=True)
settings.register_profile("long", deadline=None, max_examples=20_000)
settings.load_profile("suite")

gc.set_threshold(100_000, 20, 50)  # a worker holds torch and textual: a quarter of the time else

subprocess.Popen = forking.Popen  # type: ignore[misc]  # for asyncio and the standard library too


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes() -> None:
    """Load before the workers are forked from here what each of them would load."""
    forking.preload(*OFTEN)


def pytest_collection_finish() -> None:
    """Leave out of every garbage collection what stays to the end."""
    gc.freeze()


def pytest_runtest_setup() -> None:
    """Every test draws the same random numbers, whichever ran before it."""
    random.seed(0)
    if "torch" in sys.modules:
        import torch

        torch.manual_seed(0)


def pytest_unconfigure() -> None:
    """Leave nothing behind; programs that were forked from here do not come by."""
    shutil.rmtree(ROOM, ignore_errors=True)
