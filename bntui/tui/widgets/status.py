"""Status line: state, step, pace, losses and faults, as confirmed by the engine."""

from textual.content import Content
from textual.widgets import Static

from bntui.history.history import History
from bntui.protocol import State
from bntui.text import ends_of
from bntui.tui.panes.base import Part, width_of
from bntui.tui.panes.pane import arm_parts, value

LAST_BATCH = "last batch "
"""What the losses are of."""

LONG_NAME, SHORT_NAME = 30, 12
"""Characters of a recording's name; the second where the losses have no room beside the first."""

SIGNS = {"running": "▶", "paused": "▮▮", "finished": "✔", "cut off": "✖"}
"""Of glyphs that fonts of terminals have as text; those of media keys are pictures in many."""


class StatusLine(Static):
    """The top line of a screen; red where its run failed."""

    DEFAULT_CSS = """
    StatusLine {
        height: 1; padding: 0 1; background: $primary 20%; color: $foreground;
        text-wrap: nowrap; text-overflow: ellipsis;
    }
    StatusLine.-failed { background: $error 40%; }
    """

    def __init__(self) -> None:
        super().__init__(markup=False)
        self._shown: list[Part] = []

    def put(self, parts: list[Part], failed: bool) -> None:
        """Show these parts; the same ones are not drawn again."""
        if parts != self._shown:
            self._shown = parts
            self.set_class(failed, "-failed")
            self.update(Content.assemble(*parts), layout=False)


class Status(StatusLine):
    """The top line of the lab."""

    def show(self, history: History, at: int | None, then: History, recording: str = "") -> None:
        """Show the status of `history`; where an earlier step `at` is viewed, its losses `then`.

        Of a `recording` its name stands in place of the pace.
        """
        parts = _parts(history, self.size.width - 2, at, then, ends_of(recording, LONG_NAME))
        self.put(parts, history.failed is not None)


def _parts(
    history: History, width: int, at: int | None, then: History, recording: str
) -> list[Part]:
    if history.failed:
        log = f" · traceback in {history.failed.log}" if history.failed.log else ""
        return [("engine stopped: ", "bold"), f"{history.failed.message}{log}"]
    if history.state is None and history.ended:
        return [("bntui ", "bold"), "there is no run in this recording. ", *_skipped(history)]
    if history.state is None:
        return [("bntui ", "bold"), _warming_up(history)]
    for brief, of in ((0, LAST_BATCH), (1, LAST_BATCH), (1, ""), (2, "")):
        name = recording if brief < 2 else ends_of(recording, SHORT_NAME)
        parts = [*_progress(history, brief > 0, at, name), *_log(history), (of, "dim")]
        losses = arm_parts(then, _losses(then, brief > 1), width - width_of([*parts, "."]) + 1)
        if width_of([*parts, *losses]) <= width:
            break
    return [*parts, *losses, *_skipped(history)]


def _warming_up(history: History) -> str:
    reading = history.reading
    if history.dataset:
        return f"preparing {_data(history)} ..."
    if reading and reading.bytes_total:
        share = reading.bytes_read / reading.bytes_total
        return f"reading {reading.source}: {share:.0%} of {reading.bytes_total / 1e6:,.1f} MB ..."
    return "the engine is warming up (loading torch) ..."


def _data(history: History) -> str:
    data = history.dataset
    if data is None:
        return ""
    whole = data.bytes_read == data.bytes_total
    part = "" if whole else f" (its first {data.bytes_read / 1e6:,.0f} MB)"
    return f"{data.words:,} words, {data.examples:,} examples of {data.source}{part}"


def _progress(history: History, brief: bool, at: int | None, recording: str) -> list[Part]:
    state, hello = history.state, history.hello
    if state is None or hello is None:
        return []
    done = max(state.step, history.steps)
    cut_off = history.ended and state.state == "running"
    name = "cut off" if cut_off else state.state
    sign = SIGNS[name]
    if at is not None:
        goes_on = "" if name == "finished" else f", {name}"
        return [(f"◀ step {at:,} ", "bold"), f"of {done:,}{goes_on} · "]
    steps = f"{done:,}/{history.total:,} · "
    return [(f"{sign} {name} ", "bold"), f"{steps}{recording or _speed(history, state, brief)} · "]


def _speed(history: History, state: State, brief: bool) -> str:
    pace = f"{state.pace:,.5g}" if isinstance(state.pace, float) else state.pace or "max"
    rate = history.steps_per_second
    if rate and state.state == "running" and not history.ended:
        measured = f"{rate:,.{1 if rate < 10 else 0}f} steps/s"
        return measured if brief else f"{measured} (pace {pace})"
    return f"pace {pace}"


def _losses(history: History, brief: bool) -> list[str]:
    return [
        ("div." if brief else f"diverged at {arm.diverged.step:,}")
        if arm.diverged
        else value(arm.loss.mean_of_last(1) if len(arm.loss) else None)
        for arm in history.arms.values()
    ]


def _log(history: History) -> list[Part]:
    log = history.log
    if log and log.problem:
        return [(f"NOT LOGGED: {log.problem} · ", "bold $error")]
    return [("log not locked · ", "$warning")] if log and not log.locked else []


def _skipped(history: History) -> list[Part]:
    if not history.skipped:
        return []
    last = history.skipped[-1]
    lines = "1 line" if history.skipped_count == 1 else f"{history.skipped_count:,} lines"
    place = f"line {last.line}: " if last.line else ""
    text = f"{lines} skipped ({place}{last.reason})"
    return [(text, "$warning")]
