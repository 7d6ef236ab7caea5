"""The value cursor on the lab's panes: keys, mouse, all panes at once."""

import re

from bntui.config.schema import RunConfig
from bntui.protocol import State, Steps
from tests.scripted import beginning, probes, steps, updates
from tests.tui.screen import lab

RUN = [
    *beginning(),
    *steps(0, 500),
    *updates(0, 500),
    *probes(500),
    State("finished", 500, None),
]


async def test_the_first_press_reads_the_newest_step_on_all_panes() -> None:
    async with lab(RUN, (120, 40)) as it:
        assert "step 500" not in it.text
        text = await it.after("less_than_sign")
        for title in ("Loss", "Running stats", "Train / eval"):
            assert f"{title}  step 500" in text
        assert "train 0.191  eval 0.194" in text


async def test_keys_move_it_and_the_values_follow() -> None:
    async with lab(RUN, (120, 40)) as it:
        at_end = await it.after("less_than_sign")
        moved = await it.after("less_than_sign", "less_than_sign")
        assert "step 500" not in moved
        assert "Loss  step " in moved
        assert "step 500" not in await it.after("greater_than_sign", "greater_than_sign")
        assert await it.after("greater_than_sign") == at_end
        assert await it.after("greater_than_sign") == at_end


async def test_the_mouse_points_and_drags() -> None:
    async with lab(RUN) as it:
        await it.pilot.mouse_down("#statistics Plot", offset=(20, 5))
        first = await it.drawn()
        assert "Loss  step " in first
        await it.pilot.hover("#statistics Plot", offset=(30, 5))
        dragged = await it.drawn()
        assert dragged != first
        await it.pilot.mouse_up("#statistics Plot", offset=(30, 5))
        await it.pilot.hover("#statistics Plot", offset=(10, 5))
        assert await it.drawn() == dragged


async def test_escape_hides_it_and_only_then_leaves_a_page() -> None:
    async with lab(RUN) as it:
        assert "Updates  step 500" in await it.after("6", "less_than_sign")
        text = await it.after("escape")
        assert "Updates  ○ BN" in text
        assert "step 500" not in text
        assert "Train / eval  TRAIN" in await it.after("escape")


async def test_looking_back_it_stays_within_what_was_known() -> None:
    async with lab(RUN) as it:
        await it.press("less_than_sign", "comma", "comma")
        assert "◀ step 498" in it.text
        assert "Loss  step 498" in it.text


async def test_a_page_without_steps_says_so() -> None:
    async with lab(RUN) as it:
        await it.press("5", "less_than_sign")
        await it.wait_for("No plot over steps is shown here.")


async def test_it_fits_80_columns() -> None:
    async with lab(RUN, (80, 24)) as it:
        text = await it.after("less_than_sign")
        assert "Loss  step 500  ■ " in text
        assert "Running stats  step 500" in text
        assert "4 +2.00" in text


async def test_every_networks_loss_is_read_at_80_columns() -> None:
    run = RunConfig(steps=500, arms=("none", "bn", "ln", "gn"))
    told = Steps(0, 1.0, {name: [0.25] * 500 for name in run.arm_names})
    async with lab([*beginning(run), told], (80, 24)) as it:
        assert "Loss  500 ■.250 ○.250 ◆.250 □.250" in await it.after("less_than_sign")


async def test_a_running_statistics_label_is_its_value_at_the_newest_step() -> None:
    async with lab([*beginning(), *steps(0, 20)], (80, 24)) as it:
        ends = set(re.findall(r"[0-4] [+-]\d\.\d\d", it.text))
        assert len(ends) >= 3
        assert ends <= set(re.findall(r"[0-4] [+-]\d\.\d\d", await it.after("less_than_sign")))
