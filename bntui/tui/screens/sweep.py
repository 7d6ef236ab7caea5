"""A sweep: a heat map of paired differences, the chosen cell beside it, a verdict above."""

from collections.abc import Sequence
from typing import ClassVar

from textual import events, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.geometry import Region, Size
from textual.message import Message
from textual.screen import Screen
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.widgets import Footer, Static

from bntui.sweep.plan import Plan, assignment
from bntui.sweep.progress import Progress
from bntui.sweep.report import power_sentence
from bntui.sweep.results import GLYPHS, CellResult, Verdict, sentence
from bntui.sweep.source import SweepSource
from bntui.text import clean
from bntui.tui.plotting.scale import number
from bntui.tui.themes import inked

INKS: dict[Verdict, str] = {
    "lower": "arm-1",
    "higher": "arm-0",
    "undecided": "axis",
    "diverges less": "arm-1",
    "diverges more": "mark",
    "no runs": "axis",
}
CELL = 12
"""Columns of a cell: glyph, difference, seeds done."""

Part = tuple[str, str]


class SweepMap(ScrollView, can_focus=True):
    """A grid of cells; the last varied setting runs across, the others down.

    Cells come in the order of `Plan.compared`, so `width` neighbours make a row.
    """

    DEFAULT_CSS = "SweepMap { width: 1fr; height: 1fr; padding: 0 1; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "move(-1, 0)", "Cell", show=False),
        Binding("right", "move(1, 0)", "Cell", show=False),
        Binding("up", "move(0, -1)", "Cell", show=False),
        Binding("down", "move(0, 1)", "Cell", show=False),
    ]

    class Chosen(Message):
        """Another cell is chosen."""

    def __init__(self) -> None:
        super().__init__()
        self.place = 0
        self._results: Sequence[CellResult] = ()
        self._across: list[str] = []
        self._down: list[str] = []
        self._margin = 0

    @property
    def chosen(self) -> CellResult | None:
        """The chosen cell's result."""
        return self._results[self.place] if self.place < len(self._results) else None

    def show(self, plan: Plan, found: Sequence[CellResult]) -> None:
        """Draw these results."""
        self._results = found
        *down, across = [one.name for one in plan.vary] or [""]
        self._across = _distinct(found, [across] if across else [])
        self._down = _distinct(found, down)
        self._margin = max(map(len, self._down), default=0) + 1
        width = self._margin + CELL * len(self._across)
        self.virtual_size = Size(width, len(self._down) + 1)
        self.refresh()

    def action_move(self, x: int, y: int) -> None:
        """Choose the neighbour in that direction, if there is one."""
        columns = max(len(self._across), 1)
        row, column = divmod(self.place, columns)
        row, column = row + y, column + x
        if 0 <= column < columns and 0 <= row < len(self._down):
            self.choose(row * columns + column)

    def choose(self, place: int) -> None:
        """Choose the cell at that place and keep it in sight."""
        if place < len(self._results):
            self.place = place
            row, column = divmod(place, max(len(self._across), 1))
            region = Region(self._margin + column * CELL, row + 1, CELL, 1)
            self.scroll_to_region(region, animate=False)
            self.refresh()
            self.post_message(self.Chosen())

    def on_click(self, event: events.Click) -> None:
        """Choose the cell under the mouse."""
        at = event.get_content_offset(self)
        if at is None:
            return
        row = at.y + self.scroll_offset.y - 1
        column = (at.x + self.scroll_offset.x - self._margin) // CELL
        if row >= 0 and 0 <= column < len(self._across):
            self.choose(row * len(self._across) + column)

    def render_line(self, y: int) -> Strip:
        """The head, or one row of cells."""
        row = y + self.scroll_offset.y - 1
        runs: list[Part] = []
        if row == -1:
            runs = [(" " * self._margin, "axis")]
            runs += [(f"{name[: CELL - 1]:<{CELL}}", "axis") for name in self._across]
        elif row < len(self._down):
            runs = [(self._down[row].ljust(self._margin), "axis")]
            first = row * len(self._across)
            for place in range(first, min(first + len(self._across), len(self._results))):
                runs += self._cell(place)
        left = self.scroll_offset.x
        return inked(self, runs).crop(left, left + self.size.width) if left else inked(self, runs)

    def _cell(self, place: int) -> list[Part]:
        one = self._results[place]
        text = "" if one.mean is None else f"{one.mean:+.2g}"
        if any(one.diverged) and one.mean is None:
            text = f"{one.diverged[1]}/{one.diverged[0]} div"
        brackets = "[]" if place == self.place else "  "
        body = f"{GLYPHS[one.verdict]}{text:<{CELL - 6}}{one.seeds:>2}"
        return [(brackets[0], "axis"), (body, INKS[one.verdict]), (brackets[1] + " ", "axis")]


class SweepScreen(Screen[None]):
    """Draws a sweep from its events."""

    DEFAULT_CSS = """
    SweepScreen > .line { height: 1; padding: 0 1; background: $primary 20%; }
    SweepScreen > .verdict { height: auto; max-height: 4; padding: 0 1; background: $surface; }
    SweepScreen Horizontal { height: 1fr; }
    SweepScreen .detail { width: 44; height: 1fr; padding: 0 1; border-left: tall $panel; }
    SweepScreen.-narrow Horizontal { layout: vertical; }
    SweepScreen.-narrow .detail { width: 100%; height: 11; border-left: none; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "Open its logs"),
        Binding("t", "app.toggle_theme", "Light / dark"),
        Binding("question_mark", "help", "Help", show=False),
        Binding("q,ctrl+c,ctrl+q,escape", "quit", "Quit", key_display="q"),
    ]

    class OpenLogs(Message):
        """The logs of a cell's runs are wanted."""

        def __init__(self, keys: list[str]) -> None:
            super().__init__()
            self.keys = keys

    def __init__(self, source: SweepSource, fps: float) -> None:
        super().__init__()
        self.progress = Progress()
        self._source, self._fps = source, fps
        self._drawn = -1
        self._line = Static("", classes="line", markup=False)
        self._verdict = Static("", classes="verdict", markup=False)
        self._map = SweepMap()
        self._detail = Static("", classes="detail", markup=False)

    def compose(self) -> ComposeResult:
        """Progress, verdict, the map and the chosen cell, keys."""
        yield self._line
        yield self._verdict
        with Horizontal():
            yield self._map
            with Vertical(classes="detail-box"):
                yield self._detail
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        """Read the events and draw by the clock."""
        self._map.focus()
        self.read_events()
        self.set_interval(1 / self._fps, self._tick)

    @work(exclusive=True)
    async def read_events(self) -> None:
        """Fold whatever comes."""
        async for event in self._source.events():
            self.progress.fold(event)

    async def on_unmount(self) -> None:
        """Stop a sweep that is still running; what is done is kept."""
        await self._source.close()

    def on_resize(self, event: events.Resize) -> None:
        """Beside each other where there is room, else one above the other."""
        self.set_class(event.size.width < 100, "-narrow")

    def on_sweep_map_chosen(self) -> None:
        """Show the chosen cell."""
        self._show_detail()

    def _tick(self) -> None:
        if self._drawn != self.progress.version or self.progress.ended is None:
            self._drawn = self.progress.version
            self._draw()

    def _draw(self) -> None:
        progress = self.progress
        title = clean(progress.name, limit=60) or "sweep"
        self._line.update(Content.assemble((f"{title}  ", "bold"), progress.line))
        if progress.plan is None:
            reason = progress.ended or "starting workers (each loads torch) ..."
            self._verdict.update(clean(reason, limit=400))
            return
        words = [sentence(progress.plan, progress.results), *progress.notes]
        if progress.ended:
            words.append(progress.ended)
        if not progress.outcomes:
            words.append(power_sentence(progress.plan))
        self._verdict.update(clean(" ".join(words), limit=600))
        self._map.show(progress.plan, progress.results)
        self._show_detail()

    def _show_detail(self) -> None:
        one = self._map.chosen
        if one is not None:
            self._detail.update(Content.assemble(*_detail(one, self._detail.size.width or 40)))

    def action_open(self) -> None:
        """Ask for the logs of the chosen cell's first runs."""
        plan, one = self.progress.plan, self._map.chosen
        if plan and one:
            keys = [job.key for job in plan.jobs() if job.cell == one.cell]
            done = [key for key in keys if key in self.progress.outcomes]
            self.post_message(self.OpenLogs(done))

    def action_quit(self) -> None:
        """Stop and quit."""
        self.app.exit()


def _distinct(found: Sequence[CellResult], names: Sequence[str]) -> list[str]:
    """The cells' values of these settings, each once, in order."""
    labels = (" ".join(assignment(n, one.cell.settings[n]) for n in names) for one in found)
    return list(dict.fromkeys(labels))


def _detail(one: CellResult, width: int) -> list[Part | str]:
    """A cell in words and as a strip of its differences."""
    parts: list[Part | str] = [(f"{one.cell.label}\n", "bold"), f"{one.treated} − {one.control}\n"]
    if one.mean is None:
        parts.append("no pair of finished losses yet\n")
    else:
        interval = (
            f" [{one.interval.low:+.4g}, {one.interval.high:+.4g}] (95 %)" if one.interval else ""
        )
        parts.append(f"mean {one.mean:+.4g}{interval}\n")
        parts += [f"{line}\n" for line in strip(one, max(width - 2, 20))]
    p = "–" if one.p is None else f"{one.p:.2g}"
    parts.append(f"p {p} (Holm over the cells) · {GLYPHS[one.verdict]} {one.verdict}\n")
    parts.append(
        f"diverged: {one.control} {one.diverged[0]}, {one.treated} {one.diverged[1]}"
        f" of {one.seeds} seeds\n"
    )
    return parts


def strip(one: CellResult, width: int) -> list[str]:
    """Every seed's difference as a dot on an axis with 0 marked, the interval below it."""
    ends = [0.0, *one.differences, *(one.interval or ())]
    low, high = min(ends), max(ends)
    span = (high - low) or 1.0

    def place(value: float) -> int:
        return int((value - low) / span * (width - 1) + 0.5)

    dots = [" "] * width
    dots[place(0.0)] = "│"
    for value in one.differences:
        dots[place(value)] = "●"
    bar = [" "] * width
    bar[place(0.0)] = "│"
    if one.interval:
        for at in range(place(one.interval.low), place(one.interval.high) + 1):
            bar[at] = "━"
    left, right = number(low), number(high)
    zero = "0" if low < 0 < high else ""
    axis = list(left.ljust(width))
    axis[max(width - len(right), 0) :] = right
    if zero and len(left) < place(0.0) < width - len(right):
        axis[place(0.0)] = zero
    return ["".join(dots), "".join(bar), "".join(axis)]
