"""One line above the keys: the present findings, one at a time."""

from collections.abc import Sequence

from textual.content import Content
from textual.widgets import Static

from bntui.history.findings import Finding

HOLD = 3.0
"""Seconds for which a finding that still holds is not replaced by a more pressing one."""

TURN = 12.0
"""Seconds after which the next finding is shown, where there are several."""


class FindingsLine(Static):
    """The most pressing finding; the others in turn while nothing more pressing comes.

    A finding, that of `topic`, stays long enough to be read; its numbers are always those of now.
    """

    DEFAULT_CSS = """
    FindingsLine {
        height: 1; padding: 0 1; color: $foreground; background: $surface;
        text-wrap: nowrap; text-overflow: ellipsis;
    }
    """

    def __init__(self) -> None:
        super().__init__(markup=False)
        self._topics: list[str] = []
        self._offered: list[str] = []
        self._shown = ""
        self.topic = ""
        self._at: object = None
        self._turned = float("-inf")

    def is_due(self, now: float) -> bool:
        """Whether it is another finding's turn, though nothing has changed since `show`."""
        wait = TURN if self._offered == self._topics else HOLD
        return len(self._offered) > 1 and now - self._turned >= wait

    def show(self, found: Sequence[Finding], now: float, at: object = None) -> None:
        """Show one of these findings at `now`, in seconds of a monotonic clock.

        A new `at` (another step of a scrub, a run that stopped) begins with the most pressing one.
        """
        topics, shown_for = [finding.topic for finding in found], now - self._turned
        self._offered = topics
        is_new = topics != self._topics and shown_for >= HOLD
        if is_new or at != self._at or self.topic not in topics:
            self._turn_to(0, topics, now)
        elif shown_for >= TURN:
            self._turn_to(topics.index(self.topic) + 1, topics, now)
        self._at = at
        one = next((finding for finding in found if finding.topic == self.topic), None)
        sentence = one.sentence(self.size.width - 4) if one and self.size.width else ""
        if sentence != self._shown:
            self._shown = sentence
            sign = "● " if sentence else ""
            self.update(Content.assemble((sign, "$primary"), sentence), layout=False)

    def _turn_to(self, place: int, topics: list[str], now: float) -> None:
        self._topics, self._turned = topics, now
        self.topic = topics[place % len(topics)] if topics else ""
