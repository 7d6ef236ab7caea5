"""One line above the keys: the present findings, one at a time."""

from collections.abc import Sequence

from textual.content import Content
from textual.widgets import Static

from bntui.history.findings import Finding

HOLD = 3.0
"""Seconds for which a sentence stays as it is, so that it can be read."""

TURN = 12.0
"""Seconds after which the next finding is shown, where there are several."""


class FindingsLine(Static):
    """The most pressing finding; the others in turn while nothing more pressing comes."""

    DEFAULT_CSS = """
    FindingsLine {
        height: 1; padding: 0 1; color: $foreground; background: $surface;
        text-wrap: nowrap; text-overflow: ellipsis;
    }
    """

    def __init__(self) -> None:
        super().__init__(markup=False)
        self._topics: list[str] = []
        self._shown = ""
        self._place = 0
        self._at: object = None
        self._shown_at = self._turned = float("-inf")

    def is_due(self, now: float, at: object) -> bool:
        """Whether the line may change at `now`, in seconds of a monotonic clock.

        A new `at` (another step of a scrub, a run that stopped) makes it due at once.
        """
        return now - self._shown_at >= HOLD or not self._topics or at != self._at

    def show(self, found: Sequence[Finding], now: float, at: object = None) -> None:
        """Show one of these findings."""
        self._at = at
        topics = [finding.topic for finding in found]
        if topics != self._topics:
            self._topics, self._place, self._turned = topics, 0, now
        elif now - self._turned >= TURN:
            self._place, self._turned = self._place + 1, now
        self._shown_at = now
        self._show_one(found)

    def _show_one(self, found: Sequence[Finding]) -> None:
        one = found[self._place % len(found)] if found else None
        sentence = one.sentence(self.size.width - 4) if one and self.size.width else ""
        if sentence != self._shown:
            self._shown = sentence
            sign = "● " if sentence else ""
            self.update(Content.assemble((sign, "$primary"), sentence), layout=False)

    def on_resize(self) -> None:
        """Fit the sentence to the new width with the next frame."""
        self._shown_at = float("-inf")
