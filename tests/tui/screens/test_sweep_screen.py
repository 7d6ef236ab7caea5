"""The sweep's screen on made-up events: what it shows at each size, and what its keys do."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from msgspec.structs import replace

from bntui.config import RunConfig
from bntui.protocol import State
from bntui.protocol.codec import encode
from bntui.sweep.events import (
    AnySweepEvent,
    JobDone,
    JobFailed,
    Note,
    Planned,
    SweepEnded,
    Workers,
    beginning,
)
from bntui.sweep.plan import Plan, Vary, make_plan
from bntui.sweep.store import SweepStore
from bntui.tui.sweep_app import SweepApp
from bntui.tui.widgets.sweep_cell import CellView
from tests.scripted import hello, steps
from tests.sweep.made_up import outcome
from tests.tui.screen import text_of

SIZES = [(80, 24), (120, 40), (200, 60)]


class Scripted:
    """Emits these events; closed when the screen is."""

    def __init__(self, events: Sequence[AnySweepEvent]) -> None:
        self._events = events
        self.closed = False

    async def events(self) -> AsyncIterator[AnySweepEvent]:
        for event in self._events:
            yield event

    async def close(self) -> None:
        self.closed = True


def grid(seeds: int = 8) -> Plan:
    return make_plan(
        RunConfig(steps=100), [Vary("lr", [0.1, 1.0]), Vary("depth", [1, 2])], seeds, claim="lr"
    )


def finished(plan: Plan, directory: Path) -> list[AnySweepEvent]:
    """BN ends higher at lr=0.1 depth=1, lower at depth=2; at lr=1 no BN diverges, then both do."""
    store = SweepStore.create(directory, plan)
    pairs = {"lr=0.1 depth=1": (1.0, 1.5), "lr=0.1 depth=2": (1.0, 0.25)}
    pairs |= {"lr=1 depth=1": (None, 0.5), "lr=1 depth=2": (None, None)}  # type: ignore[dict-item]
    done = []
    for job in plan.jobs():
        before, after = pairs[job.cell.label]
        after = after and after + job.seed / 10_000
        done.append(outcome(job, {"no BN": before, "BN": after}))
        log = [hello(plan.config(job)), *steps(0, 100), State("finished", 100, None)]
        store.save(done[-1], b"".join(map(encode, log)))
    return [*beginning(plan, directory, done), SweepEnded()]


class Sweep:
    """The open screen."""

    def __init__(self, app: SweepApp, pilot: object, source: Scripted) -> None:
        self.app, self.pilot, self.source = app, pilot, source

    @property
    def text(self) -> str:
        return text_of(self.app)

    async def shows(self, *words: str) -> str:
        try:
            async with asyncio.timeout(60):
                while not all(word in self.text for word in words):
                    await asyncio.sleep(0.02)
        except TimeoutError:
            missing = [word for word in words if word not in self.text]
            raise AssertionError(f"{missing} not on the screen:\n{self.text}") from None
        return self.text

    async def press(self, *keys: str) -> None:
        await self.app._press_keys(keys)


@asynccontextmanager
async def opened(
    events: Sequence[AnySweepEvent], size: tuple[int, int] = (120, 40)
) -> AsyncIterator[Sweep]:
    source = Scripted(events)
    app = SweepApp(source, fps=20)
    async with app.run_test(size=size, notifications=True) as pilot:
        yield Sweep(app, pilot, source)
    assert source.closed


@pytest.mark.parametrize("size", SIZES)
async def test_every_verdict_has_its_sign_and_the_cell_its_curves(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    async with opened(finished(grid(), tmp_path / "one"), size) as it:
        text = await it.shows("▲ +0.5", "▼ -0.75", "▽ 0/8 div", "✗ 8/8 div", "loss of 8 seeds")
        assert "32 of 32 runs · ended" in text
        flat = " ".join(text.split())
        assert "a higher loss in lr=0.1 depth=1" in flat
        assert "both diverge in every seed of lr=1 depth=2" in flat
        assert "q Quit" in text


async def test_arrow_keys_choose_a_cell(tmp_path: Path) -> None:
    async with opened(finished(grid(), tmp_path / "one")) as it:
        await it.shows("p of loss 0.031 (Holm)")
        await it.press("down")
        await it.shows("p of divergence 0.031 (Holm)", "diverged: 0 against 8 of 8 seeds")
        await it.press("right", "down")  # there is no row below
        await it.shows("diverged: 8 against 8 of 8 seeds")


async def test_the_table_is_sorted(tmp_path: Path) -> None:
    async with opened(finished(grid(), tmp_path / "one")) as it:
        await it.shows("▲ +0.5")
        await it.press("m")
        text = await it.shows("95 % interval")
        assert text.index("+0.505") < text.index("-0.745")
        await it.press("s", "s")
        await it.shows("Sorted by difference")
        words = it.app.screen.query_one(CellView)._words
        strip = str(words.content).splitlines()[3:6]
        assert {len(line) for line in strip} == {words.size.width - 2}  # as wide as now
        assert it.text.index("-0.745") < it.text.index("+0.505")
        await it.press("m")
        await it.shows("depth=1 ")


async def test_enter_opens_the_logs(tmp_path: Path) -> None:
    async with opened(finished(grid(), tmp_path / "one")) as it:
        await it.shows("loss of 8 seeds")
        await it.press("enter")
        await it.shows("8 seeds, as lr=0.1")
        await it.press("q")
        await it.shows("▲ +0.5")


async def test_help_explains_the_signs(tmp_path: Path) -> None:
    async with opened(finished(grid(), tmp_path / "one")) as it:
        await it.press("question_mark")
        await it.shows("Efron 1987", "Heat map or table")


async def test_a_running_sweep_shows_how_far_it_is(tmp_path: Path) -> None:
    plan = replace(grid(2), claim=None)
    first, *_ = plan.jobs()
    events: list[AnySweepEvent] = [
        Planned(plan, "mine\x1b[2J", str(tmp_path)),
        Workers(3),
        JobDone(outcome(first, {"no BN": 1.0, "BN": 1.5})),
        JobFailed("lr=1_depth=1_seed=42", "its worker died each time it was tried"),
        Note("[/nope] is shown as it is"),
    ]
    async with opened(events) as it:
        text = await it.shows("1 of 8 runs · 1 failed · 3 workers", "left", "[/nope] is shown")
        assert "So far:" in text
        assert "\x1b" not in text


async def test_before_the_first_run_it_says_what_can_be_decided(tmp_path: Path) -> None:
    async with opened([Planned(grid(3), "one", str(tmp_path))]) as it:
        await it.shows("no cell can be decided", "waiting for a worker", "Szegedy 2015")


async def test_a_sweep_that_cannot_start_says_why() -> None:
    async with opened([SweepEnded("The sweep stopped: bntui: no scheduler.")]) as it:
        await it.shows("The sweep stopped: bntui: no scheduler.")
