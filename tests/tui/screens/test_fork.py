"""Forks: chosen, asked for, drawn once the engine has made them, and taken back."""

from textual.events import Key

from bntui.protocol import AnyEvent, Changed, Fork, Forked, Refused, Removed, Steps, Undo
from bntui.tui.plotting.figure import Series
from tests.scripted import beginning, probes, steps
from tests.tui.screen import lab


def some() -> list[AnyEvent]:
    return [*beginning(), *steps(0, 100), *probes(100)]


def forked(count: int = 1) -> list[AnyEvent]:
    """A run with forks of BN at step 100, a hundred steps later."""
    names = ["BN lr=0.5", "BN copy"][:count]
    losses = {
        name: [float(3 - i) + 0.01 * step for step in range(100)]
        for i, name in enumerate(["no BN", "BN", *names])
    }
    return [
        *some(),
        *(Forked(name, "BN", 100) for name in names),
        Changed(100, "lr", 0.5, 0.1, "BN lr=0.5"),
        Steps(100, 0.4, {name: list(column) for name, column in losses.items()}),
    ]


async def test_enter_forks_bn_with_the_next_learning_rate() -> None:
    async with lab(some()) as it:
        text = await it.after("f")
        assert "‹ BN " in text
        assert "learning rate" in text
        await it.press("enter")
        assert it.source.sent == [Fork("BN", "lr", 0.2)]
        assert "copy of" not in it.text


async def test_arm_knob_and_value_are_chosen() -> None:
    forks: list[tuple[tuple[str, ...], Fork]] = [
        (("down", "left"), Fork("BN", None, 0)),
        (("down", "right"), Fork("BN", "weight_decay", 1e-5)),
        (("down", "right", "right"), Fork("BN", "momentum", 0.2)),
        (("down", "right", "right", "right"), Fork("BN", "eps", 1e-3)),
        (("down", *("right",) * 4), Fork("BN", "norm", 0)),
        (("down", "down", "right"), Fork("BN", "lr", 0.5)),
        (("left",), Fork("no BN", "lr", 0.2)),
        (("left", "down", "right", "right"), Fork("no BN", None, 0)),
        (("down", "down", "7", "enter"), Fork("BN", "lr", 7)),
    ]
    async with lab(some()) as it:
        for keys, fork in forks:
            await it.press("f", *keys, "enter")
            assert it.source.sent.pop() == fork
            assert it.source.sent == []


async def test_a_burst_of_digits_is_typed_whole() -> None:
    async with lab(some()) as it:
        await it.press("f", "down", "down")
        for key in ("1", "0", "5", "enter"):
            it.app.post_message(Key(key, key if key.isdigit() else None))
        await it.settle()
        await it.press("enter")
        assert it.source.sent == [Fork("BN", "lr", 105)]


async def test_the_impossible_is_refused_and_escape_leaves() -> None:
    async with lab(some()) as it:
        await it.press("f", "down", "down", "9", "9", "9", "9", "9", "9", "9", "enter")
        assert "learning rate is 9999999" in it.text
        assert "copy of" in await it.after("escape")
        assert "copy of" not in await it.after("escape")
        assert it.source.sent == []


async def test_nothing_is_claimed_before_the_engine_has_forked() -> None:
    async with lab(some(), (120, 40)) as it:
        await it.press("f", "enter")
        assert "◆" not in it.text
        await it.play(*forked()[len(some()) :])
        assert "◆ BN lr=0.5" in it.text.splitlines()[0]
        await it.press("u")
        assert it.source.sent[-1] == Undo()
        assert "◆ BN lr=0.5" in it.text
        await it.play(Removed("BN lr=0.5", 200))
        assert "◆" not in it.text


async def test_a_forks_curve_begins_where_it_was_forked() -> None:
    async with lab(forked(), (79, 24)) as it:
        await it.press("w")
        figure = it.app.lab.pages.loss._plot._figure
        assert figure is not None
        curves = [layer for layer in figure.rows[0][0].layers if isinstance(layer, Series)]
        assert max(min(curve.x) for curve in curves[:2]) < 50
        assert min(curves[2].x) > 100


async def test_four_arms_differ_without_colour_and_fit_80_columns() -> None:
    async with lab(forked(2), (80, 24)) as it:
        status, *body = it.text.splitlines()
        assert "…" not in status
        assert "…" not in body[0].partition("Activations")[0]  # no number is cut
        assert all(f"{shape} " in status for shape in "■○◆□")
        for sign in "■○◆□":
            assert any(sign in row for row in body[2:])
        activations = await it.after("2")
        assert "■ no BN  sat." in activations


async def test_with_four_arms_there_is_no_fifth() -> None:
    async with lab(forked(2), (120, 40)) as it:
        await it.press("home", "f")
        await it.wait_for("Weights are kept of the newest step alone, 200")
        await it.press("end", "f")
        await it.wait_for("At most 4 networks")
        assert it.source.sent == []


async def test_what_was_done_is_marked_in_every_plot_over_time() -> None:
    turned: list[AnyEvent] = [*some(), *steps(100, 400), Changed(300, "lr", 0.5, 0.1)]
    async with lab(turned) as it:
        assert it.text.count("lr 0.5") >= 3


async def test_marks_close_to_each_other_lose_their_words_not_the_newest() -> None:
    close: list[AnyEvent] = [Changed(300 + i, "lr", i / 10, None) for i in range(1, 20)]
    async with lab([*some(), *steps(100, 400), *close], (80, 24)) as it:
        assert "lr 1.9" in it.text
        assert "lr 1.8" not in it.text


async def test_of_changes_at_one_step_the_last_is_named() -> None:
    both: list[AnyEvent] = [Changed(300, "lr", 0.5, 0.1), Changed(300, "lr", 0.2, 0.5)]
    async with lab([*some(), *steps(100, 400), *both], (80, 24)) as it:
        assert "lr 0.2" in it.text
        assert "lr 0.5" not in it.text


async def test_a_removed_forks_changes_are_marked_no_more() -> None:
    async with lab([*forked(), Removed("BN lr=0.5", 200)]) as it:
        assert "lr" not in it.text


async def test_what_cannot_be_taken_back_is_said() -> None:
    async with lab(some()) as it:
        await it.press("u")
        await it.play(Refused("There is nothing left to undo."))
        await it.wait_for("There is nothing left to undo.")
