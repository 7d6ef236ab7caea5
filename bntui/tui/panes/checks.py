"""Identities checked numerically: BN folded away, and the backward pass in closed form."""

from textual.app import ComposeResult

from bntui.history.history import History
from bntui.protocol import Checks
from bntui.tui.commands import NEXT_NETWORK
from bntui.tui.panes.arms import Arm
from bntui.tui.panes.pane import Pane
from bntui.tui.plotting.plot import ARM_SHAPES
from bntui.tui.plotting.text_rows import Row, Rows, wrapped

EPSILON = 2.0**-23
"""The relative distance of neighbouring float32 numbers."""
ROUNDING = 100 * EPSILON
"""What some hundred roundings add up to at most, relative to the largest number."""
WRONG = 1e-2
"""From here on two numbers disagree, however they were rounded."""
MARKS = (("✔", "eval"), ("~", "gap"), ("✘", "bad"))
"""Within rounding; more than rounding explains; wrong."""
NAME, STEP, CELL = 10, 9, 12
"""Columns of a network's name, of a step, and of a number."""


class ChecksPane(Pane):
    """A table of differences, each with its share of the largest number and a verdict."""

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
        """Redraw the table: every network's newest check, then the chosen one's earlier ones."""
        measured = [(a, e) for a in self.arms(history) if (e := a.history.latest(Checks))]
        chosen = self.chosen(history)
        if not measured or chosen is None:
            self.headline_waiting(history)
            self._rows.show([[("nothing checked yet", "dim")]])
            return
        self.headline(f"step {measured[0][1].step:,}", (" · largest absolute differences", "dim"))
        width = max(self.size.width - 2, 20)
        rows = [*_heads(width), *(_row(arm, event, width) for arm, event in measured), []]
        rows += wrapped(
            f"✔ at most {ROUNDING:.1e} of the largest number compared: {ROUNDING / EPSILON:.0f} "
            f"roundings of float32; ~ more than rounding explains; ✘ over {WRONG:g}: wrong; "
            "– nothing to compare.",
            width,
            "dim",
        )
        earlier = chosen.history.measured(Checks)[-2::-1]
        room = max(self.size.height - 3 - len(rows), 0)
        if earlier and room:
            rows += [[], [("earlier", "dim")]]
            rows += [_row(chosen, event, width) for event in earlier[:room]]
        self._rows.show(rows)


def _heads(width: int) -> list[Row]:
    """What is compared, and the names of the columns."""
    wide = width >= NAME + STEP + 2 * (2 * CELL + 3)
    pair = 2 * CELL + 3 if wide else CELL + 3
    what = ("fold: logits", "backward: gradients") if wide else ("fold", "backward")
    columns = f"{'difference':>{CELL}}{'of largest':>{CELL}}   " if wide else ""
    columns = columns or f"{'of largest':>{CELL}}   "
    return [
        [(" " * (NAME + STEP) + "".join(f"{text:>{pair - 3}}   " for text in what), "bold")],
        [(f"{'network':<{NAME}}{'step':>{STEP}}{columns * 2}", "dim")],
    ]


def _row(arm: Arm, event: Checks, width: int) -> Row:
    """One check of one network: both differences, their shares of the largest number, verdicts."""
    wide = width >= NAME + STEP + 2 * (2 * CELL + 3)
    name = f"{ARM_SHAPES[arm.place]} {arm.name}"
    row: Row = [(f"{name:<{NAME}.{NAME}}", f"arm-{arm.place}"), (f"{event.step:>{STEP},}", "plain")]
    for difference, scale in (
        (event.fold, event.fold_scale),
        (event.backward, event.backward_scale),
    ):
        share = relative(difference, scale)
        numbers = (difference, share) if wide else (share,)
        row.append(("".join(f"{_short(x):>{CELL}}" for x in numbers), "plain"))
        mark, ink = verdict(share)
        row.append((f" {mark} ", ink))
    return row


def verdict(share: float | None) -> tuple[str, str]:
    """The mark of a difference that is this share of the largest number, and its ink."""
    if share is None:
        return " ", "dim"
    return MARKS[(share > ROUNDING) + (share > WRONG)]


def relative(difference: float | None, scale: float | None) -> float | None:
    """The difference as a share of the largest number, if there is one; 0 of nothing is 0."""
    if difference == 0:
        return 0.0
    return difference / scale if difference is not None and scale else None


def _short(number: float | None) -> str:
    return "–" if number is None else f"{number:.1e}"
