"""Runs overlaid: what differs between their configs, all their networks, and their losses."""

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import ClassVar, Generic, TypeVar

from textual import work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from bntui.config.schema import has_running_statistics
from bntui.history.arm import ArmHistory
from bntui.history.comparison import (
    Entry,
    Group,
    WatchedEntry,
    common_steps,
    compared,
    differences,
    grouped,
    mean_and_spread,
    measured_at,
)
from bntui.history.findings import final_loss
from bntui.history.history import History
from bntui.text import clean, ends_of
from bntui.tui.commands import (
    COMPARE_COMMANDS,
    KeyCommand,
    Keymap,
    for_bar,
    rebound,
    with_panes,
)
from bntui.tui.panes.arms import Arm
from bntui.tui.panes.base import AnyPane, Part, owner
from bntui.tui.panes.loss import LossPane
from bntui.tui.panes.overlay import OverlayPane
from bntui.tui.panes.pane import Pane, form_for
from bntui.tui.plotting.plot import ARM_SHAPES, Plot
from bntui.tui.screens.help import HelpScreen
from bntui.tui.terminal.driver import is_behind
from bntui.tui.widgets.key_bar import KeyBar

COMMANDS = with_panes(COMPARE_COMMANDS, (LossPane.COMMANDS, OverlayPane.COMMANDS))
"""Every key of the screen: its own and its panes'."""

LONG, SHORT = 60, 24
"""Columns of a run's name or of a setting's value: where there is room, and where there is not."""

ROWS_FOR_FINDINGS = {30: 2, 40: 4}
"""From so many rows of the terminal on, so many sentences below the table; else one."""

Table = list[list[Part]]

EntryT = TypeVar("EntryT", Entry, WatchedEntry)
PaneT = TypeVar("PaneT", bound=AnyPane)


class SideBySide(Screen[None], Generic[EntryT, PaneT]):
    """Several runs that are read together: a table, what it shows, two panes and one cursor."""

    DEFAULT_CSS = """
    SideBySide > .legend { height: auto; padding: 0 1; background: $primary 20%; }
    SideBySide > .findings { height: auto; padding: 0 1; color: $text-muted; }
    SideBySide > Container { height: 1fr; layout: vertical; }
    SideBySide BasePane { height: 1fr; }
    """

    def __init__(
        self, runs: Sequence[EntryT], panes: tuple[PaneT, PaneT], keys: Mapping[str, KeyCommand],
        fps: float,
    ) -> None:  # fmt: skip
        super().__init__()
        self._fps = fps
        self._runs: list[EntryT] = list(runs)
        self._panes, self._keys = panes, keys
        self._key_bar = KeyBar(*for_bar(keys, panes[0].COMMANDS))
        self._drawn = -1
        self._cursor: int | None = None
        self._legend = Static("", classes="legend", markup=False)
        self._findings = Static("", classes="findings", markup=False)

    def compose(self) -> ComposeResult:
        """The table of runs and what it shows, above both panes."""
        yield self._legend
        yield self._findings
        yield Container(*self._panes)
        yield self._key_bar

    @property
    def usable(self) -> list[KeyCommand]:
        """The keys of this screen."""
        return list(self._keys.values())

    def on_descendant_focus(self) -> None:
        """Show the focused pane's keys first."""
        self._key_bar.show(*for_bar(self._keys, self._current().COMMANDS))

    def on_mount(self) -> None:
        """Read every log, and draw by the clock."""
        for run in self._runs:
            self._read(run)
        self._panes[0].focus()
        self.set_interval(1 / self._fps, self._tick)

    @work
    async def _read(self, run: EntryT) -> None:
        async for event in run.recording.events():
            run.history.fold(event)

    def on_resize(self) -> None:
        """Draw again when the panes have their new sizes."""
        self.call_after_refresh(self.draw)

    def on_pane_resized(self) -> None:
        """Draw a pane for its new size."""
        self.draw()

    async def on_unmount(self) -> None:
        """Close the logs."""
        for run in self._runs:
            await run.recording.close()

    def _tick(self) -> None:
        if is_behind(self.app):
            return
        version = sum(run.history.version for run in self._runs)
        if version != self._drawn:
            self._drawn = version
            self.draw()

    def draw(self) -> None:
        """Draw everything."""
        raise NotImplementedError

    def _current(self) -> PaneT:
        return next((pane for pane in self._panes if pane.has_focus), self._panes[0])

    def on_pane_changed(self) -> None:
        """Draw after a pane's own key."""
        self.draw()

    async def action_pane_command(self, action: str) -> None:
        """Run a pane's own key, wherever the focus is."""
        await owner(action, [self._current(), *self._panes]).run_action(action)

    def action_cursor(self, by: int) -> None:
        """Read both plots at a step, or move on from there."""
        newest = max((run.history.steps for run in self._runs), default=0)
        here, by = (newest, 0) if self._cursor is None else (self._cursor, by)
        plots = [*self._current().query(Plot), self._panes[0].query_one(Plot)]
        self._cursor = plots[0].step_beside(here, by)
        self.draw()

    def on_plot_pointed(self, event: Plot.Pointed) -> None:
        """The mouse chose the step at which plots are read."""
        self._cursor = event.step
        self.draw()

    async def action_leave(self) -> None:
        """Hide the cursor; without one, close the comparison."""
        if self._cursor is None:
            await self.run_action("app.close")
        else:
            self._cursor = None
            self.draw()


class CompareScreen(SideBySide[Entry, Pane]):
    """A colour a config; networks with running statistics solid, the others dotted.

    `network` is the one network that is shown of every run, or None for all.
    """

    BINDINGS: ClassVar[list[BindingType]] = [command.binding for command in COMMANDS]

    def __init__(self, runs: Sequence[Entry], fps: float, keymap: Keymap) -> None:
        self.network: str | None = None
        self.loss = LossPane(id="overlay-loss")
        self.modes = OverlayPane(id="overlay-modes")
        super().__init__(runs, (self.loss, self.modes), rebound(COMMANDS, keymap), fps)

    def draw(self) -> None:
        """Draw the table, what it shows, and both panes."""
        groups = grouped(self._runs)
        shown = arms(groups, self.network)
        width, height = self.app.size.width - 2, self.app.size.height
        tries = (table(groups, *cut) for cut in ((4, LONG), (4, SHORT)))
        rows = next((rows for rows in tries if wide(rows) <= width), table(groups, 3))
        self._legend.update(Content.assemble(*lines(rows, width, height // 3)))
        sentences = self._sentences(groups)
        self._findings.display = bool(sentences)
        self._findings.update("\n".join(clean(text, 300) for text in sentences))
        together = _overlaid(groups, shown)
        self.loss.common = common_steps(groups)
        for pane in (self.loss, self.modes):
            pane.shown, pane.cursor = shown, self._cursor
            pane.redraw(together)

    def _sentences(self, groups: list[Group]) -> list[str]:
        """As many of the findings as there is room for."""
        rows = [count for high, count in ROWS_FOR_FINDINGS.items() if self.app.size.height >= high]
        found = compared(groups)
        most = max(rows, default=1)
        rest = f"  (? lists {len(found) - most} more)" if len(found) > most else ""
        return [*found[: most - 1], *(f"{text}{rest}" for text in found[most - 1 : most])]

    @property
    def shown(self) -> list[History]:
        """The runs that are compared."""
        return [run.history for run in self._runs]

    def action_next_network(self) -> None:
        """Show all networks of every run, then one after the other."""
        names = dict.fromkeys(name for run in self._runs for name in run.history.arms)
        choices = [None, *names]
        place = choices.index(self.network) if self.network in choices else 0
        self.network = choices[(place + 1) % len(choices)]
        self.draw()

    def action_help(self) -> None:
        """Explain the focused pane; list every finding."""
        found = compared(grouped(self._runs))
        self.app.push_screen(HelpScreen(self._current(), self.usable, found))


def arms(groups: Sequence[Group], network: str | None) -> list[Arm]:
    """Every network of every group, or the one of that name."""
    return [
        Arm(
            place,
            f"{group.letter} {name}" if network is None else group.letter,
            members[0],
            network is None and not has_running_statistics(members[0].norm),
            tuple(members),
        )
        for place, group in enumerate(groups)
        for name in group.networks
        if network in {None, name} and (members := group.members(name))
    ]


def _overlaid(groups: Sequence[Group], shown: Sequence[Arm]) -> History:
    """One history with the networks shown, as long as the longest run."""
    together = History()
    together.arms = {arm.name: arm.history for arm in shown}
    hellos = [run.history.hello for group in groups for run in group.runs if run.history.hello]
    together.hello = max(hellos, key=lambda hello: hello.config.steps, default=None)
    return together


def table(groups: Sequence[Group], digits: int = 4, longest: int = SHORT) -> Table:
    """A row a group: its name, the settings that differ, and each network's losses."""
    found = differences(groups)
    networks = list(dict.fromkeys(name for group in groups for name in group.networks))
    first, stop = common_steps(groups)
    slash = " / " if digits > 3 else "/"
    what = f"loss{slash}eval"
    steps = f"{first + 1:,}–{stop:,}" if stop else "no step yet"
    head = [f"{what}: {steps}", *found, *map(clean, networks)]
    rows: Table = [[(clean(text), "dim") for text in head]]
    for place, group in enumerate(groups):
        cut = ends_of if len(group.runs) == 1 else clean
        name = f"{ARM_SHAPES[place]} {group.letter} {cut(group.name, longest - 4)}"
        row: list[Part] = [(name, f"bold $ink-arm-{place}")]
        row += [clean(values[place], longest) for values in found.values()]
        for network in networks:
            members = group.members(network)
            ends = {run.history.steps for run in group.runs}
            loss = _mean_loss(members, first, stop, digits)
            row.append(f"{loss}{slash}{_final(members, ends, digits)}")
        rows.append(row)
    return rows


def _mean_loss(members: Sequence[ArmHistory], first: int, stop: int, digits: int) -> str:
    if count := sum(bool(arm.diverged) for arm in members):
        return f"diverged {count} of {len(members)}" if len(members) > 1 else "diverged"
    return _spread([arm.loss.over(first, stop)[2] for arm in members] if stop else [], digits)


def _final(members: Sequence[ArmHistory], ends: set[int], digits: int) -> str:
    """The newest losses in evaluation mode, and at which steps, unless at the runs' end."""
    found = [each for arm in members if (each := final_loss(arm))]
    at = measured_at([each.step for each in found], ends) if found else ""
    return _spread([each.loss for each in found], digits) + at


def _spread(losses: Sequence[float], digits: int) -> str:
    """Mean of the seeds' losses, ± their standard deviation."""
    if not losses:
        return "–"
    mean, spread = mean_and_spread(losses) if len(losses) > 1 else (fmean(losses), None)
    form = form_for([mean], f".{digits if spread is None else 3}f")
    return f"{mean:{form}}" + ("" if spread is None else f" ±{spread:{form}}")


def wide(rows: Table) -> int:
    """Columns that the whole table takes."""
    return sum(map(_width, zip(*rows, strict=True))) + 2 * (len(rows[0]) - 1)


def _width(column: Sequence[Part]) -> int:
    return max(len(_text(cell)) for cell in column)


KEY = 3
"""Columns of a run's sign and letter, which begin its name."""


def lines(rows: Table, width: int, height: int) -> list[Part]:
    """The table in `width` columns.

    What has no room there follows below, after each run's sign and letter, as far as `height` rows
    go; columns that are left out are counted.
    """
    columns = [list(column) for column in zip(*rows, strict=True)]
    keys = [_key(cell) for cell in columns[0]]
    blocks = [columns[:1]]
    used = _width(columns[0])
    for place, column in enumerate(columns[1:], 1):
        here = 2 + _width(column)
        last = (len(blocks) + 1) * len(rows) > height
        more = 6 if last and place < len(columns) - 1 else 0
        if used + here + more <= width:
            blocks[-1].append(column)
            used += here
        elif last:
            note: list[Part] = [(f"+{len(columns) - place} …", "dim")]
            blocks[-1].append(note + [""] * (len(rows) - 1))
            break
        else:
            blocks.append([keys, column])
            used = KEY + here
    parts: list[Part] = []
    for block in blocks:
        widths = list(map(_width, block))
        for row in zip(*block, strict=True):
            parts.append("\n" if parts else "")
            for cell, columns_ in zip(row, widths, strict=True):
                text = f"{_text(cell):<{columns_}}  "
                parts.append((text, cell[1]) if isinstance(cell, tuple) else text)
    return parts


def _key(cell: Part) -> Part:
    """A run's sign and letter; nothing in the header."""
    text, style = cell if isinstance(cell, tuple) else (cell, "")
    return (text[:KEY] if text[:1] in ARM_SHAPES else "", style)


def _text(cell: Part) -> str:
    return cell if isinstance(cell, str) else cell[0]
