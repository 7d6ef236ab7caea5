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
from bntui.protocol import AnyCommand, AnyEvent, Failed, Hello, Skipped, Start, Stop
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
LINES = st.lists(COMMANDS | st.binary(max_size=40) | st.just(START), max_size=12)


def told(lines: list[bytes]) -> list[AnyEvent | Skipped]:
    """What an engine tells that hears these lines, and then nothing more."""
    heard, speak = os.pipe()
    os.write(speak, b"\n".join([START, *lines, b""]))
    os.close(speak)
    with tempfile.TemporaryFile() as file:
        with closing(EventSink(os.dup(file.fileno()))) as outlet:
            Engine(outlet).serve(heard)
        os.close(heard)
        file.seek(0)
        return list(event_reader().feed(file.read()))


@given(LINES)
def test_no_command_however_odd_stops_the_engine(lines: list[bytes]) -> None:
    events = told(lines)
    assert isinstance(events[0], Hello)
    assert not any(isinstance(event, Failed) for event in events)
