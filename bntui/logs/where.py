"""Which logs are listed, and in which order: `lr>=0.1 state=finished`, sorted by a field."""

import operator
import re
import shlex
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from bntui.config.presets import PRESETS
from bntui.config.schema import RunConfig
from bntui.config.settings import SETTINGS
from bntui.errors import InputError
from bntui.logs.index import WATCHED, RunSummary
from bntui.text import clean

COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    "!=": operator.ne,
    "=": operator.eq,
    ">": operator.gt,
    "<": operator.lt,
}
TERM = re.compile(r"([^<>=!]+)(>=|<=|!=|=|>|<)(.*)", re.DOTALL)

STATES = ("running", "finished", "diverged", "failed", "cut off")


def _losses(summary: RunSummary) -> list[float]:
    """The last losses of the networks; of a watched run, those that were logged."""
    return [
        loss
        for name, loss in summary.losses.items()
        if loss is not None and (summary.preset != WATCHED or "loss" in name.lower())
    ]


OF_LOG: dict[str, Callable[[RunSummary], object]] = {
    "name": lambda summary: Path(summary.path).stem,
    "started": lambda summary: summary.started,
    "state": lambda summary: summary.state,
    "steps-done": lambda summary: summary.steps,
    "loss": lambda summary: min(_losses(summary), default=None),
    "size": lambda summary: summary.bytes / 1e6,
}
"""Fields of a log beside its settings: `loss` is the lowest of its networks' last, `size` in MB."""

FIELDS = (*OF_LOG, *(SETTINGS[name].key for name in RunConfig.__struct_fields__))

TAKES = "a term is a part of a log's name, or a field, a comparison and a value: lr>=0.1"

Condition = Callable[[RunSummary], bool]


def where(text: str) -> Condition:
    """Whether a log meets every term of `text`; a word without a comparison is part of its name.

    Raises:
        InputError: A field is unknown, or a value is not one of the field's.
    """
    try:
        terms = shlex.split(text)
    except ValueError as error:
        reason = str(error).lower().rstrip(".")
        raise _refused(f"{clean(text, 60)} cannot be read ({reason}); {TAKES}") from None
    conditions = [_condition(term) for term in terms]
    return lambda summary: all(meets(summary) for meets in conditions)


def order(field: str) -> Callable[[Sequence[RunSummary]], list[RunSummary]]:
    """Logs sorted by a field, smallest first, or largest first with - before it.

    Logs that have no such value come last.

    Raises:
        InputError: The field is unknown.
    """
    name = field.removeprefix("-")
    _check(name, "--sort")

    def ordered(found: Sequence[RunSummary]) -> list[RunSummary]:
        known = [(value_of(one, name), one) for one in found]
        having = [pair for pair in known if pair[0] is not None]
        having.sort(key=lambda pair: _comparable(pair[0]), reverse=field.startswith("-"))
        return [one for _, one in [*having, *(pair for pair in known if pair[0] is None)]]

    return ordered


def value_of(summary: RunSummary, field: str) -> object:
    """A log's value of one of `FIELDS`; None of a setting that a watched run does not have."""
    if field in OF_LOG:
        return OF_LOG[field](summary)
    name = field.replace("-", "_")
    if summary.preset == WATCHED and name != "preset":
        return None
    preset = PRESETS.get(summary.preset, RunConfig())
    return summary.preset if name == "preset" else summary.differs.get(name, getattr(preset, name))


def _condition(term: str) -> Condition:
    found = TERM.fullmatch(term)
    if found is None:
        return lambda summary: term.lower() in Path(summary.path).stem.lower()
    field, sign, text = found.group(1).strip(), found.group(2), found.group(3).strip()
    _check(field, "--where")
    wanted, compare = _parsed(field, text), COMPARISONS[sign]

    def meets(summary: RunSummary) -> bool:
        if summary.preset == WATCHED and field not in {*OF_LOG, "preset"}:
            return False  # a watched run has no settings of the lab
        value = value_of(summary, field)
        if sign in {"=", "!="}:
            return compare(_comparable(value), _comparable(wanted))
        if value is None or wanted is None:
            return False
        return compare(_comparable(value), _comparable(wanted))

    return meets


def _parsed(field: str, text: str) -> object:
    """The value of a field that `text` stands for."""
    if field in {"name", "started"}:
        return text
    if field == "state":
        if text not in STATES:
            raise _refused(f"state is {clean(text, 60)}, but it takes {', '.join(STATES)}")
        return text
    if field in OF_LOG:
        try:
            return float(text.replace(",", ""))
        except ValueError:
            raise _refused(f"{field} is {clean(text, 60)}, but it takes a number") from None
    accepted = SETTINGS[field.replace("-", "_")].accepted
    try:
        return accepted.parse(text)
    except ValueError:
        raise _refused(accepted.refusal(field, text).rstrip(".")) from None


def _check(field: str, option: str) -> None:
    if field in FIELDS:
        return
    near = get_close_matches(field, FIELDS, 1)
    hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(FIELDS)}."
    raise InputError(f"{option}: unknown field '{clean(field, 60)}'; {hint}")


def _comparable(value: object) -> Any:
    """Numbers as numbers, and everything else as text, a list like the tuple it was."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    return float(value)


def _refused(sentence: str) -> InputError:
    return InputError(f"--where: {sentence}.")
