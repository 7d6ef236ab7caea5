"""Paths and environment that every test shares."""

import os
import tempfile

from hypothesis import settings

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ["XDG_DATA_HOME"] = tempfile.mkdtemp(prefix="bntui-test-")
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
