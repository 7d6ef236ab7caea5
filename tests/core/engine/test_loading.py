"""How torch is loaded."""

import subprocess
import sys
from pathlib import Path

CODE = """
import gc
from bntui.core.engine.loading import _load_torch
_load_torch()
assert gc.isenabled()
print(gc.get_freeze_count() > 0)
"""


def test_no_garbage_is_collected_while_torch_is_loaded_and_what_is_loaded_stays(
    tmp_path: Path,
) -> None:
    (tmp_path / "torch.py").write_text("import gc\nassert not gc.isenabled()\n")
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r}){CODE}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("True\n", "")
