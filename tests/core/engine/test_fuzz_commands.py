"""Whatever is written to the engine, it goes on: it obeys, or says that it cannot.

`pytest --hypothesis-profile long tests/core/engine/test_fuzz_commands.py` looks for longer.
"""

import json
import os
import tempfile
from contextlib import closing

from hypothesis import given
from hypothesis import strategies as st

from bntui.config.schema import RunConfig
from bntui.core.engine.event_sink import EventSink
from bntui.core.engine.loop import Engine
from bntui.protocol import (
    AnyCommand,
    AnyEvent,
    Change,
    Changed,
    Failed,
    Hello,
    ModeLosses,
    Pause,
    Resume,
    Skipped,
    Start,
    Stop,
)
from bntui.protocol.codec import encode, event_reader

SMALL = RunConfig(hidden=3, emb=2, batch_size=2, steps=20, pace=None)
TAGS = [kind.__struct_config__.tag for kind in AnyCommand.__args__ if kind not in {Start, Stop}]
NUMBERS = st.none() | st.integers(-(2**70), 2**70) | st.floats() | st.booleans()
WORDS = st.sampled_from(["BN", "no BN", "lr", "batch_size", "momentum", "eps", "norm", "units", ""])
VALUES = st.recursive(NUMBERS | WORDS | st.text(max_size=5), lambda x: st.lists(x, max_size=4))
FIELDS = st.sampled_from(["knob", "value", "arm", "layer", "units", "pace", "probes", "command"])
COMMANDS = st.builds(
    lambda tag, fields: json.dumps({"command": tag, **fields}).encode(),
    st.sampled_from(TAGS),
    st.dictionaries(FIELDS, VALUES, max_size=5),
)
START = encode(Start(SMALL)).strip()
PAUSE = encode(Pause()).strip()
LINES = st.lists(COMMANDS | st.binary(max_size=40) | st.just(START), max_size=12)


def told(lines: list[bytes]) -> list[AnyEvent | Skipped]:
    """What an engine tells that hears these lines, and then nothing more."""
    with tempfile.TemporaryFile() as heard, tempfile.TemporaryFile() as file:
        heard.write(b"\n".join([START, PAUSE, *lines, b""]))
        heard.seek(0)
        with closing(EventSink(os.dup(file.fileno()))) as outlet:
            Engine(outlet).serve(heard.fileno())
        file.seek(0)
        return list(event_reader().feed(file.read()))


@given(LINES)
def test_no_command_however_odd_stops_the_engine(lines: list[bytes]) -> None:
    events = told(lines)
    assert isinstance(events[0], Hello)
    assert not any(isinstance(event, Failed) for event in events)


def test_of_many_starts_that_wait_the_last_is_begun() -> None:
    events = told([*[START] * 100, encode(Start(RunConfig(hidden=4))).strip(), PAUSE])
    assert [event.config.hidden for event in events if isinstance(event, Hello)] == [3, 4]


def test_nothing_is_measured_while_commands_wait() -> None:
    """Or 10,000 of them would hold the engine for minutes."""
    flood = [*(Change("batch_size", n % 5 + 1) for n in range(2000)), Resume(), Pause()]
    events = told([encode(command).strip() for command in flood])
    assert sum(isinstance(event, Changed) for event in events) == 2000
    assert sum(isinstance(event, Hello) for event in events) == 1
    assert {event.step for event in events if isinstance(event, ModeLosses)} == {0}
    assert sum(isinstance(event, ModeLosses) for event in events) == 2
