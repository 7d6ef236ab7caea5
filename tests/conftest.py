"""Paths and environment that every test shares."""

import os
import tempfile

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ["XDG_DATA_HOME"] = tempfile.mkdtemp(prefix="bntui-test-")
