"""What must agree, does it: folding BN away, and the backward pass written by hand."""

from textual.app import ComposeResult

from bntui.history.history import History
from bntui.protocol import Checks
from bntui.tui.commands import NEXT_NETWORK
from bntui.tui.panes.arms import Arm
from bntui.tui.panes.pane import Pane, value
from bntui.tui.plotting.plot import ARM_SHAPES
from bntui.tui.plotting.text_rows import Row, Rows, wrapped

EPSILON = 2.0**-23
"""The relative distance of neighbouring float32 numbers."""
ROUNDING = 100 * EPSILON
"""What some hundred roundings add up to at most, relative to the largest number."""
HEAD = f"{'step':>9}{'fold':>11}{'relative':>11}{'backward':>11}{'relative':>11}"


class ChecksPane(Pane):
    """Differences, what they are measured against, and the last measurements."""

    TITLE = SHORT = "Checks"
    HELP = (
        "Two identities, as numbers. Fold: in evaluation mode BN is a fixed affine map, so it can "
        "be multiplied into the Linear before it, W' = W gamma / sqrt(running_var + eps); the "
        "logits must stay the same. Backward: the closed-form gradient of BN (and of the whole "
        "network) against autograd's on the current batch. Both are largest absolute differences, "
        "judged relative to the largest number compared: float32 knows no better than 1.2e-7 a "
        "rounding.\n"
        "Sources: Ioffe and Szegedy 2015, section 3 and its backward formulas; makemore "
        "part 4.\n"
        "Try: eps 0 with units that are constant."
    )
    RELATED = (NEXT_NETWORK,)
    PROBES = ("checks",)

    def __init__(self, *, id: str) -> None:  # noqa: A002 (Textual's name)
        super().__init__(id=id)
        self._rows = Rows()

    def compose_body(self) -> ComposeResult:
        """Rows of text."""
        yield self._rows

    def draw(self, history: History) -> None:
        """Redraw verdicts and history."""
        measured = [(a, e) for a in self.arms(history) if (e := a.history.latest(Checks))]
        chosen = self.chosen(history)
        if not measured or chosen is None:
            self.headline_waiting(history)
            self._rows.show([[("nothing checked yet", "dim")]])
            return
        self.headline(f"step {measured[0][1].step:,}", (" · relative to the largest number", "dim"))
        width = max(self.size.width - 2, 20)
        verdicts = [row for arm, event in measured for row in _verdict(arm, event, width)]
        room = max(self.size.height - 1 - len(verdicts) - 2, 0)
        self._rows.show([*verdicts, *_table(chosen, room)])


def _verdict(arm: Arm, event: Checks, width: int) -> list[Row]:
    ink = f"arm-{arm.place}"
    return [
        [(f"{ARM_SHAPES[arm.place]} {arm.name}", ink)],
        *wrapped(f"Fold: {judged(event.fold, event.fold_scale, 'logits')}", width),
        *wrapped(f"Backward: {judged(event.backward, event.backward_scale, 'gradients')}", width),
        [],
    ]


def judged(difference: float | None, scale: float | None, what: str) -> str:
    """A sentence made of the numbers."""
    if difference is None:
        return "nothing to compare."
    against = relative(difference, scale)
    if against is None:
        return f"{what} differ by at most {difference:.1e}; the largest is {value(scale)}."
    verdict = (
        "equal to rounding" if against <= ROUNDING
        else "more than rounding explains" if against <= 1e-2
        else "they do not agree"
    )  # fmt: skip
    return (
        f"{what} differ by at most {difference:.1e}, the largest is {value(scale)}: "
        f"{against:.1e} of it, {verdict}."
    )


def relative(difference: float | None, scale: float | None) -> float | None:
    """The difference as a share of the largest number, if there is one."""
    return difference / scale if difference is not None and scale else None


def _table(arm: Arm, room: int) -> list[Row]:
    """The chosen arm's last measurements, newest first."""
    events = arm.history.measured(Checks)
    if room < 2 or not events:
        return []
    rows: list[Row] = [[(HEAD, "dim"), (f"   {arm.name}", f"arm-{arm.place}")]]
    for event in reversed(events[-(room - 1) :]):
        fold, backward = event.fold, event.backward
        numbers = (
            *(fold, relative(fold, event.fold_scale)),
            *(backward, relative(backward, event.backward_scale)),
        )
        rows.append([(f"{event.step:>9,}" + "".join(f"{_short(x):>11}" for x in numbers), "plain")])
    return rows


def _short(number: float | None) -> str:
    return "–" if number is None else f"{number:.1e}"
