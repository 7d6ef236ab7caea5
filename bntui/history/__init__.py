"""Events folded into columns: what panes, findings and exports read."""

from bntui.history.arm import ArmHistory
from bntui.history.history import History, folded

__all__ = ["ArmHistory", "History", "folded"]
