"""The strip of settings, and the screen of a new network: what is asked, and what confirmed."""

import re

from textual.events import Key

from bntui.config.schema import Knob, RunConfig
from bntui.errors import InputError
from bntui.protocol import (
    AnyEvent,
    Change,
    Changed,
    Command,
    Dataset,
    Failed,
    Forked,
    Refused,
    SetPace,
    Start,
    State,
)
from tests.scripted import beginning, hello, probes, steps
from tests.tui.screen import Lab, lab


def some(config: RunConfig | None = None) -> list[AnyEvent]:
    return [*beginning(config), *steps(0, 100), *probes(100)]


ENDS = r"(?=  | *[▐▌›│]|$)"


def row(it: Lab, label: str) -> str:
    """What the settings show beside a label: in a line of the strip, or in one of its own."""
    found = re.search(rf"[ ▸]{re.escape(label)} +[‹ ]*(.*?){ENDS}", it.text, re.MULTILINE)
    assert found, f"there is no {label!r}:\n{it.text}"
    return found[1]


def words(it: Lab) -> str:
    """The screen's words, as if its lines were one."""
    return " ".join(it.text.replace("│", " ").split())


async def chosen(it: Lab, label: str, on: str = "right") -> None:
    """Go on to a setting."""
    for _ in range(40):
        if f"▸{label}" in it.text or f"▸ {label}" in it.text:
            return
        await it.press(on)
    raise AssertionError(f"there is no row {label!r}:\n{it.text}")


FOUR = ("Loss", "Activations", "Running stats", "Train / eval")


async def test_k_shows_the_strip_under_the_panes_and_hides_it() -> None:
    async with lab(some(), (160, 45)) as it:
        for size in ((160, 45), (120, 40), (80, 24), (40, 12)):
            before = await it.resize(*size)
            assert "learning rate" not in before
            text = await it.after("k")
            assert "▸network all" in text
            assert "learning rate 0.1" in text
            assert all((f" {name}  " in text) is (f" {name}  " in before) for name in FOUR)
            assert "learning rate" not in await it.after("escape")
            if size[0] >= 80:
                assert all(f" {name}  " in before for name in FOUR)
                lines = text.splitlines()
                strip = next(y for y, line in enumerate(lines) if "▸network" in line)
                assert "live · ←" in lines[strip + 3]
            assert "learning rate" in await it.after("k")
            assert "learning rate" not in await it.after("k")
        await it.press("k")
        assert "network" not in await it.resize(39, 11)


async def test_arrows_at_the_ends_tell_of_settings_that_do_not_fit() -> None:
    async with lab(some(), (80, 24)) as it:
        await it.press("k")
        assert re.search(r"▸network .*›$", it.text, re.MULTILINE)
        await it.press("end")
        assert re.search(r"^‹ .*▸new network unchanged *$", it.text, re.MULTILINE)
        await it.press("home")
        assert "▸network" in it.text


async def test_a_knob_is_marked_as_asked_until_the_engine_confirms_it() -> None:
    async with lab(some()) as it:
        await it.press("k")
        assert row(it, "learning rate") == "0.1"
        await it.press("right", "up")
        assert it.source.sent == [Change("lr", 0.2)]
        assert row(it, "learning rate") == "0.1 → 0.2 …"
        await it.play(Changed(100, "lr", 0.2, 0.1))
        assert row(it, "learning rate") == "0.2"


async def test_turning_on_begins_from_what_was_asked() -> None:
    async with lab(some()) as it:
        await it.press("k", "right", "up", "up", "down", "down", "down")
        assert [c.value for c in it.source.sent if isinstance(c, Change)] == [
            *(0.2, 0.5, 0.2, 0.1, 0.05),
        ]


async def test_what_is_refused_says_why_and_claims_nothing() -> None:
    async with lab(some()) as it:
        await it.press("k", "right", "right", "right", "up")
        assert row(it, "batch size") == "32 → 64 …"
        await it.play(Refused("There are 40 examples, fewer than a batch of 64."))
        assert row(it, "batch size") == "32"
        assert "There are 40 examples" in it.text


TURNED: list[tuple[str, str, Command]] = [
    ("weight decay", "up", Change("weight_decay", 1e-5)),
    ("batch size", "down", Change("batch_size", 16)),
    ("BN momentum", "up", Change("momentum", 0.2)),
    ("BN eps", "down", Change("eps", 1e-8)),
    ("normalization", "up", Change("norm", 0)),
    ("normalization", "enter", Change("norm", 0)),
    ("pace, steps/s", "up", SetPace(1000)),
]


async def test_every_knob_is_turned_with_the_arrows() -> None:
    async with lab(some()) as it:
        await it.press("k")
        for label, key, command in TURNED:
            await chosen(it, label)
            await it.press(key)
            assert it.source.sent.pop() == command
            assert it.source.sent == []
            await it.play(Refused("Not now."))


async def test_a_burst_of_keys_is_handled_in_order() -> None:
    async with lab(some()) as it:
        await it.press("k")
        for key in ("right", "right", "left", "3", "full_stop", "5", "enter"):
            it.app.post_message(Key(key, {"3": "3", "full_stop": ".", "5": "5"}.get(key)))
        await it.settle()
        assert it.source.sent == [Change("lr", 3.5)]


async def test_a_value_is_typed() -> None:
    async with lab(some()) as it:
        await it.press("k", "right", "3", "full_stop", "5", "enter")
        assert it.source.sent == [Change("lr", 3.5)]
        await it.press("enter", "2", "enter")
        assert it.source.sent[1:] == [Change("lr", 2)]
        await it.press("enter")
        assert "Enter: OK" in it.text
        assert "Enter: OK" not in await it.after("escape")
        assert "▸learning rate" in it.text


async def test_the_impossible_is_refused_at_the_field() -> None:
    fields = [
        ("learning rate", "9e9", "learning rate is 9e9, but it takes a number from 0"),
        ("batch size", "0", "batch size is 0, but it takes a whole number from 1"),
        ("BN momentum", "1.5", "BN momentum is 1.5, but it takes a number from 0 to 1"),
        ("hidden layers", "99", "hidden layers is 99, but it takes a whole number from 1 to 50"),
    ]
    async with lab(some(), (76, 24)) as it:
        await it.press("k")
        for label, typed, sentence in fields:
            if label == "hidden layers":
                await it.press("K")
            await chosen(it, label, "down" if label == "hidden layers" else "right")
            keys = [c.replace(".", "full_stop") for c in typed]
            await it.press("enter", "ctrl+u", *keys, "enter")
            assert sentence in words(it)
            assert it.source.sent == []
            assert "Enter: OK" in it.text
            assert "Enter: OK" not in await it.after("escape")


async def test_what_teaches_says_what_to_look_for() -> None:
    lessons: list[tuple[str, Knob, float, str]] = [
        ("learning rate", "lr", 0, "No weight moves"),
        ("batch size", "batch_size", 1, "Each unit is its own mean"),
        ("BN momentum", "momentum", 0, "Running statistics stand still"),
        ("BN momentum", "momentum", 1, "Running statistics are the last"),
        ("BN eps", "eps", 0, "has variance 0"),
    ]
    async with lab(some()) as it:
        await it.press("k")
        for label, knob, value, lesson in lessons:
            await chosen(it, label)
            assert lesson not in words(it)
            await it.play(Changed(100, knob, value, None))
            assert lesson in words(it)


async def test_one_arm_alone_is_turned() -> None:
    async with lab(some()) as it:
        await it.press("k", "down", "right", "up")
        assert it.source.sent == [Change("lr", 0.2, "BN")]
        await it.play(Changed(100, "lr", 0.2, 0.1, "BN"))
        assert row(it, "learning rate") == "0.2"
        await it.press("left", "up")
        assert row(it, "learning rate") == "they differ"
        await it.press("right", "right", "right", "up")
        assert it.source.sent[-1] == Change("batch_size", 64)


async def test_one_layer_alone_is_bypassed() -> None:
    deep = RunConfig(depth=3)
    async with lab([hello(deep), *some(deep)[1:]]) as it:
        await it.press("k", "right", "up", "up")
        await chosen(it, "normalization")
        await it.press("up")
        assert it.source.sent == [Change("norm", 0, None, 1)]


async def test_fields_of_a_new_network_are_collected_and_confirmed_before_one_start() -> None:
    async with lab(some()) as it:
        await it.press("K")
        assert "▼ │" in it.text  # more rows below, the way to them among the keys
        assert "End, Enter: start it" in it.text
        await chosen(it, "hidden layers", "down")
        await it.press("right", "right")
        assert row(it, "hidden layers") == "1 → 3"
        await chosen(it, "activation", "down")
        assert "Activation of the hidden layers. " in words(it)
        await it.press("right", "right")
        await chosen(it, "restart", "down")
        assert row(it, "restart") == "with 2 changes"
        assert it.source.sent == []
        text = await it.after("enter")
        assert "hidden layers: 1 → 3" in text
        assert "activation: tanh → relu" in text
        assert "notebook depth=3 activation=relu pace=500" in text
        await it.press("escape")
        assert it.source.sent == []
        await it.press("enter", "enter")
        new = RunConfig(depth=3, activation="relu", pace=500.0)
        assert it.source.sent == [Start(new)]
        await it.play(*beginning(new))
        await it.press("K", "end")
        assert row(it, "hidden layers") == "3"
        assert row(it, "restart") == "unchanged"


async def test_a_new_run_keeps_the_knobs_as_they_stand() -> None:
    async with lab([*some(), Changed(50, "lr", 0.5, 0.1), State("running", 100, None)]) as it:
        await it.press("k", "end", "enter", "end", "enter")
        assert "learning rate: 0.1 → 0.5" in it.text
        assert "pace, steps/s: log → max" in it.text
        await it.press("enter")
        assert it.source.sent == [Start(RunConfig(lr=0.5, pace=None))]


async def test_what_does_not_go_together_is_not_sent() -> None:
    async with lab(some()) as it:
        await it.press("K")
        await chosen(it, "networks", "down")
        await it.press("enter", "ctrl+u", *"bn", "comma", *"gn", "enter")
        await chosen(it, "groups of GN", "down")
        await it.press("3", "enter")
        await it.press("end", "enter")
        assert "groups is 3, but with gn it takes a divisor" in words(it)
        assert it.source.sent == []


async def test_the_whole_config_is_shown_as_it_is_pasted() -> None:
    async with lab(some(), (160, 40)) as it:
        assert "This run: bntui --share notebook" in await it.after("K")


async def test_the_mouse_chooses_and_turns() -> None:
    async with lab(some(), (120, 40)) as it:
        await it.press("k")
        lines = it.text.splitlines()
        y = next(i for i, line in enumerate(lines) if "BN eps" in line)
        await it.pilot.click(offset=(lines[y].index("BN eps"), y))
        assert "▸BN eps" in await it.drawn()
        await it.pilot.click(offset=(lines[y].index("BN eps"), y))
        assert "Enter: OK" in await it.drawn()
        await it.press("1", "enter")
        assert it.source.sent == [Change("eps", 1)]


async def test_data_that_cannot_be_read_is_refused_and_the_run_goes_on() -> None:
    async with lab(some()) as it:

        async def refuse(command: Command) -> None:
            raise InputError("--data missing.txt cannot be read.")

        it.source.send = refuse  # type: ignore[method-assign]
        await it.press("K", "end", "enter", "enter")
        await it.wait_for("missing.txt cannot be read")
        await it.play(*steps(100, 10))
        assert "110/5,000" in it.text


async def test_a_fork_that_is_gone_is_no_longer_chosen() -> None:
    async with lab([*some(), Forked("BN copy", "BN", 100)]) as it:
        await it.press("k", "down")
        assert row(it, "network") == "BN copy"
        await it.play(hello(), Dataset("names", 1, 2, 3, 4, 4), State("running", 0, 500.0))
        assert row(it, "network") == "all"


async def test_a_new_run_that_fails_on_its_input_is_told_on_the_screen() -> None:
    async with lab(some()) as it:
        await it.play(hello(RunConfig(block_size=40)), Failed("input", "No word is long enough."))
        assert "engine stopped: No word is long enough." in it.text
        assert it.app.exit_code == 2
