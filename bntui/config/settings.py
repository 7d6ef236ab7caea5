"""Every setting of a run, declared once.

Range, default and help come from RunConfig's field of the same name; a row here adds how the
setting is shown, changed and written. The command line, share strings, the lab's settings, forks,
marks, the engine and the history of a run read this table. To add a setting: a field of RunConfig
(and its name in `Knob`, if it can change in mid-run), a row here, and the code that it acts on.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from functools import cached_property
from math import inf
from typing import Any, Literal, cast, get_args, get_origin

from msgspec import Struct, field

from bntui.config.limits import Range, bare, range_of
from bntui.config.parsing import Accepted, accepted, either, one_of, written
from bntui.config.presets import PRESETS, SOURCES
from bntui.config.schema import Knob, Norm, RunConfig, has_running_statistics

Changes = Literal["live", "restart", "launch"]
"""When a setting can change: in mid-run, with a new network, or only where bntui is started."""


class Setting(Struct, frozen=True, dict=True):
    """A row of the table.

    Attributes:
        name: RunConfig's field, and the protocol's name; `norm` alone is not a field.
        label: Its name on the screen, at most 14 characters.
        changes: When it can change.
        short: Its name beside a mark in a plot.
        per_network: Whether networks may differ in it; such a setting can be forked.
        per_layer: Whether a network's layers may differ in it.
        needs: What a network must have for it to do anything.
        same_batches: Whether runs that differ in it alone draw the same batches. They are drawn
            after the initial weights, from one generator: another width is another batch.
        alters_outputs: Whether a change alters what probes measure before the next step is made.
        increments: Values in order, one arrow key apart; a word comes first, and None, which is no
            limit, last.
        choices: Values in a circle; those of a Literal or a bool are found by themselves.
        none: The word for None.
        shown: How values are shown that are not shown as they are written.
        lessons: What to look for at a value.
        about: Help where RunConfig has none.
    """

    name: str
    label: str
    changes: Changes = "restart"
    short: str = ""
    per_network: bool = False
    per_layer: bool = False
    needs: Literal["running statistics", "a normalization"] | None = None
    same_batches: bool = False
    alters_outputs: bool = False
    increments: tuple[object, ...] = ()
    choices: tuple[object, ...] = ()
    none: str = "none"
    shown: Mapping[object, str] = field(default_factory=dict)
    lessons: Mapping[object, str] = field(default_factory=dict)
    about: str = ""

    @property
    def key(self) -> str:
        """Its name in a share string, and as an option after two dashes."""
        return self.name.replace("_", "-")

    @property
    def is_field(self) -> bool:
        """Whether it is a field of RunConfig."""
        return self.name in RunConfig.__struct_fields__

    @property
    def knob(self) -> Knob:
        """Its name as a knob of the protocol.

        Raises:
            KeyError: It is not one.
        """
        if self.name not in get_args(Knob):
            raise KeyError(self.name)
        return cast("Knob", self.name)

    @cached_property
    def _annotation(self) -> Any:
        return RunConfig.__annotations__.get(self.name, bool)

    @cached_property
    def _kind(self) -> Any:
        return bare(self._annotation).kind

    @cached_property
    def help(self) -> str:
        """One sentence."""
        metas = bare(self._annotation).metas
        return self.about or next(meta.description for meta in metas if meta.description)

    @cached_property
    def range(self) -> Range | None:
        """The range of a number."""
        return Range(True, 0, 1) if self._kind is bool else range_of(self._annotation)

    @cached_property
    def accepted(self) -> Accepted:
        """Which texts it accepts."""
        if self._kind is str and self.choices:
            return one_of([str(choice) for choice in self.choices])
        return accepted(self._annotation, self.none)

    @property
    def is_typed(self) -> bool:
        """Whether a value is typed rather than chosen."""
        return self._kind is not bool and get_origin(self._kind) is not Literal

    @property
    def takes(self) -> str:
        """What it takes, in a few words, for a person who looks at its row."""
        return self.accepted.brief if self.is_typed else self.help

    def applies_to(self, norm: Norm) -> bool:
        """Whether it does anything in a network normalized so."""
        if self.needs == "running statistics":
            return has_running_statistics(norm)
        return self.needs is None or norm != "none"

    def problem(self, value: float) -> str | None:
        """Why it cannot be set to that number, in a sentence; None if it can."""
        if self.range is None or self.range.holds(value):
            return None
        takes = str(self.range)
        if self._kind is bool:
            takes = either([f"{int(on == 1)} for {word}" for on, word in self.shown.items()])
        return f"{self.name} is {value:g}, but it takes {takes}."

    def cast(self, value: float) -> float:
        """A number of the setting's own type: the protocol carries all as float."""
        return value if self._kind not in {int, bool} else self._kind(value)

    def write(self, value: object) -> str:
        """A value as the command line and share strings read it."""
        return written(value, self.none)

    def show(self, value: object) -> str:
        """A value as the screen shows it."""
        if value in self.shown:
            return self.shown[value]
        return f"{value:.6g}" if isinstance(value, float) else self.write(value)

    def editable(self, value: object) -> str:
        """The text that editing a value begins with."""
        return "" if value is None and None in self.shown else self.show(value)

    def read(self, text: str) -> object:
        """A typed value; nothing at all is None, where that is shown by words of its own.

        Raises:
            ValueError: It is not accepted; the message is a sentence.
        """
        text = text.strip()
        if not text and None in self.shown:
            return None
        try:
            return self.accepted.parse(text)
        except ValueError:
            raise ValueError(self.accepted.refusal(self.label, text)) from None

    def mark(self, value: float, layer: int | None) -> str:
        """A change to that value in a few characters; `layer` counts from 0."""
        where = "" if layer is None else f" {layer + 1}"
        return f"{self.short}{where} {self.shown.get(value) or f'{value:g}'}"

    def turned(self, value: object, by: int) -> object:
        """The value `by` increments or choices on from `value`, which may lie between two."""
        if self.increments:
            return self._climbed(value, by)
        options = self.choices or ((True, False) if self._kind is bool else get_args(self._kind))
        if not options:
            return value
        place = options.index(value) if value in options else -by if by < 0 else -1
        return options[(place + by) % len(options)]

    def _climbed(self, value: object, by: int) -> object:
        """As far as the increments go; a value beyond their end stays where it is."""
        steps = [_number(step) for step in self.increments]
        here = _number(value)
        place = bisect_right(steps, here) - 1 + by if by > 0 else bisect_left(steps, here) + by
        return self.increments[place] if 0 <= place < len(steps) else value


def _number(value: object) -> float:
    """The place of a value among increments: a word is below all numbers, None above."""
    if isinstance(value, int | float):
        return float(value)
    return inf if value is None else -inf


def _one_two_five(low: int, high: int) -> tuple[float, ...]:
    """1, 2, 5 times every power of ten from 10**low on, up to 10**high."""
    steps = [float(f"{m}e{e}") for e in range(low, high) for m in (1, 2, 5)]
    return (*steps, 10.0**high)


def _whole(low: int, high: int) -> tuple[int, ...]:
    return tuple(int(step) for step in _one_two_five(low, high))


_ROWS = (
    Setting(
        "lr",
        "learning rate",
        "live",
        "lr",
        per_network=True,
        increments=(0.0, *_one_two_five(-4, 3)),
        lessons={0.0: "No weight moves: the loss varies only with the batch."},
        same_batches=True,
    ),
    Setting(
        "weight_decay",
        "weight decay",
        "live",
        "decay",
        per_network=True,
        increments=(0.0, *_one_two_five(-5, 0)),
        same_batches=True,
    ),
    Setting(
        "batch_size",
        "batch size",
        "live",
        "batch",
        alters_outputs=True,
        increments=tuple(2**i for i in range(17)),
        lessons={
            1: "Each unit is its own mean: BN outputs beta for any input. Watch BN's loss, and "
            "Train / eval at n = 1."
        },
    ),
    Setting(
        "momentum",
        "BN momentum",
        "live",
        "mom.",
        per_network=True,
        needs="running statistics",
        increments=(0.0, 0.001, 0.01, 0.05, 0.1, 0.2, 0.5, 0.9, 1.0),
        lessons={
            0.0: "Running statistics stand still. Watch Running stats, and the loss in evaluation "
            "mode fall behind.",
            1.0: "Running statistics are the last batch's. Watch Running stats, and the loss in "
            "evaluation mode jump.",
        },
        same_batches=True,
    ),
    Setting(
        "eps",
        "BN eps",
        "live",
        "eps",
        per_network=True,
        needs="a normalization",
        alters_outputs=True,
        increments=(0.0, 1e-8, 1e-5, 1e-3, 0.01, 0.1, 1.0),
        lessons={
            0.0: "A unit equal for the whole batch has variance 0; its output is then beta. Units "
            "of almost equal values are scaled up to variance 1."
        },
        same_batches=True,
    ),
    Setting(
        "norm",
        "normalization",
        "live",
        "norm",
        per_network=True,
        per_layer=True,
        needs="a normalization",
        alters_outputs=True,
        shown={True: "on", False: "off"},
        lessons={0.0: "Bypassed: the output is the input. Watch Activations and Loss."},
        about="On, or off: the layers pass their input through unchanged.",
    ),
    Setting(
        "pace",
        "pace, steps/s",
        "live",
        none="max",
        increments=("log", *_one_two_five(-1, 5), None),
        same_batches=True,
    ),
    Setting(
        "arms",
        "networks",
        choices=(
            ("none", "bn"),
            ("none", "bn-torch"),
            ("none", "ln"),
            ("none", "gn"),
            ("none", "bn", "ln", "gn"),
            ("bn", "bn-torch", "bn-lecture", "bn-std"),
        ),
    ),
    Setting("hidden", "hidden units", increments=(*_whole(0, 3),)),
    Setting("depth", "hidden layers", increments=tuple(range(1, 51))),
    Setting("activation", "activation", same_batches=True),
    Setting("init", "init"),
    Setting(
        "gain",
        "init gain",
        increments=(0.0, 0.1, 0.2, 0.5, 1.0, 5 / 3, 2.0, 5.0, 10.0),
        same_batches=True,
    ),
    Setting(
        "output_gain",
        "output gain",
        increments=(0.0, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0),
        same_batches=True,
    ),
    Setting("placement", "normalize"),
    Setting("bias", "bias before it"),
    Setting("ghost", "ghost batch", increments=(1, 2, 4, 8, 16, 32, 64, None), same_batches=True),
    Setting(
        "groups",
        "groups of GN",
        increments=(1, 2, 4, 5, 10, 20, 25, 50, 100, 200),
        same_batches=True,
    ),
    Setting("data", "data", shown={None: "the 20 names"}),
    Setting("context", "context"),
    Setting("block_size", "block size", increments=tuple(range(1, 65))),
    Setting("emb", "embedding", increments=_whole(0, 2)),
    Setting("seed", "seed", increments=tuple(range(100))),
    Setting("split", "split 80/10/10"),
    Setting("split_seed", "split seed", increments=tuple(range(100))),
    Setting("steps", "steps", increments=_whole(2, 6), same_batches=True),
    Setting("lr_drop", "lr / 10 from", increments=(*_whole(2, 6), None), same_batches=True),
    Setting(
        "preset",
        "preset",
        "launch",
        choices=tuple(PRESETS),
        about=" ".join(f"{name}: {source}." for name, source in SOURCES.items()),
        same_batches=True,
    ),
    Setting("device", "device", "launch", same_batches=True),
)

SETTINGS: dict[str, Setting] = {setting.name: setting for setting in _ROWS}
"""By name, in the order in which the lab lists them."""

LIVE = tuple(setting for setting in _ROWS if setting.changes == "live")
"""Those that can change in mid-run; the last, the pace, is not part of what is trained."""

RESTART = tuple(setting for setting in _ROWS if setting.changes == "restart")
"""Those that need a new network."""
