"""Lines in, messages out; nothing that comes in stops the stream."""

import json
import re
import tracemalloc
from collections.abc import Callable, Iterator
from typing import get_args

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bntui.config.schema import Norm, RunConfig
from bntui.protocol import (
    Activations,
    AnyEvent,
    Change,
    Changed,
    Command,
    Diverged,
    Ended,
    Event,
    Failed,
    Fork,
    Forked,
    Hello,
    Log,
    ModeLosses,
    Pause,
    Reading,
    Recalibrate,
    Recalibrated,
    Recovered,
    Refused,
    Removed,
    Resume,
    SetPace,
    Skipped,
    SplitLosses,
    Start,
    State,
    Step,
    Steps,
    Stop,
    Subscribe,
    TraceUnits,
    Undo,
    Updates,
)
from bntui.protocol import codec as wire
from bntui.protocol.codec import MAX_LINE, command_reader, encode, event_reader
from tests.scripted import beginning, diagnostics, steps, updates
from tests.watched_events import watched_run

EVENTS: list[Event] = [
    *beginning(RunConfig(pace=None, data="/tmp/ü.txt")),
    *steps(0, 3),
    *diagnostics(0),
    *updates(0, 20),
    *watched_run(8),
    Changed(3, "norm", 0.0, 1.0, "BN", 0),
    Forked("BN lr=0.5", "BN", 3),
    Removed("BN lr=0.5", 4),
    Recalibrated("BN", 5, undone=True),
    Refused("lr is -1, but it takes a number from 0 to 1,000,000."),
    Reading("x", 1, 2),
    Diverged("BN", 3, None),
    Recovered("BN", 20, 2.5),
    Failed("crash", "it broke", "/var/log"),
    Ended(),
    Skipped(3, "no event"),
    Log("/tmp/log.jsonl", "No space left on device"),
]
COMMANDS: list[Command] = [
    Start(RunConfig(lr=0.5)),
    Pause(),
    Resume(),
    Step(),
    SetPace(None),
    SetPace(2.5),
    TraceUnits(1, [2, 3]),
    Change("lr", 0.5, "BN"),
    Fork("BN", "lr", 0.5),
    Recalibrate("BN"),
    Undo(),
    Subscribe(["units", "ladder"], 2),
    Stop(),
]


def test_every_message_survives_the_journey() -> None:
    assert list(event_reader().feed(b"".join(map(encode, EVENTS)))) == EVENTS
    assert list(command_reader().feed(b"".join(map(encode, COMMANDS)))) == COMMANDS


def test_every_kind_of_message_is_among_those_tried() -> None:
    kinds = {type(event) for event in EVENTS}
    assert kinds == set(AnyEvent.__args__)
    assert {type(command) for command in COMMANDS} == set(Command.__subclasses__())


def test_a_line_is_plain_json_with_its_kind() -> None:
    line = encode(Diverged("BN", 3, None))
    assert line.endswith(b"}\n")
    assert json.loads(line) == {"event": "diverged", "arm": "BN", "step": 3, "loss": None}


@given(st.lists(st.integers(1, 400), max_size=40))
def test_any_split_of_the_bytes_gives_the_same_messages(cuts: list[int]) -> None:
    data = b"".join(map(encode, EVENTS)) + b"\n{broken\n" + encode(EVENTS[0])
    reader = event_reader()
    found: list[AnyEvent] = []
    for cut in cuts:
        found += reader.feed(data[:cut])
        data = data[cut:]
    found += reader.feed(data)
    assert found[: len(EVENTS)] == EVENTS
    assert isinstance(found[-2], Skipped)
    assert found[-2].line == len(EVENTS) + 2
    assert found[-1] == EVENTS[0]


def test_a_type_from_a_newer_version_is_counted_and_skipped() -> None:
    reader = event_reader()
    lines = b'{"event":"hologram","depth":3}\n' + encode(Pause()) + encode(EVENTS[0])
    assert list(reader.feed(lines)) == [
        Skipped(2, "Object missing required field `event`"),
        EVENTS[0],
    ]
    assert reader.unknown == 1


@pytest.mark.parametrize(
    "line",
    [
        b"{broken",
        b"null",
        b"[1, 2]",
        b'"a"',
        b"\xff\xfe",
        b'{"event":"state","state":"asleep","step":1,"pace":null}',
        b'{"event":"state","state":"paused","step":"1","pace":null}',
        b'{"event":"state","state":"paused"}',
        b'{"event":7}',
        b'{"event":"diverged","arm":"BN","step":1,"loss":NaN}',
        b"[" * 100_000,
    ],
)
def test_a_malformed_line_is_reported_with_its_number_and_skipped(line: bytes) -> None:
    before, after = encode(EVENTS[0]), encode(EVENTS[1])
    first, skipped, last = event_reader().feed(before + line + b"\n" + after)
    assert isinstance(skipped, Skipped)
    assert skipped.line == 2
    assert skipped.reason
    assert (first, last) == (EVENTS[0], EVENTS[1])


def test_columns_of_impossible_length_are_refused_where_they_come_in() -> None:
    short = encode(Activations("BN", 0, 1, 10, [1] * 49, 0.5))
    empty = encode(ModeLosses("BN", 1, [], [], []))
    assert all(isinstance(e, Skipped) for e in event_reader().feed(short + empty))


@pytest.mark.parametrize("more", [0, 1])
def test_as_many_names_as_a_network_can_have_and_no_more(more: int) -> None:
    """What comes with each of them, a screen keeps."""

    def named(count: int) -> list[str]:
        return [str(n) for n in range(count)]

    weights = named(60 + more)
    splits, none = dict.fromkeys(named(16 + more), 1), dict.fromkeys(named(1), 1)
    events = [
        Updates("BN", weights, [1], [[1.0] for _ in weights], [[1.0] for _ in weights]),
        SplitLosses("BN", 1, dict.fromkeys(splits, 0.5), none),
        SplitLosses("BN", 1, dict.fromkeys(none, 0.5), splits),
    ]
    units = encode(TraceUnits(0, list(range(64 + more))))
    read = [*event_reader().feed(b"".join(map(encode, events))), *command_reader().feed(units)]
    assert [isinstance(each, Skipped) for each in read] == [bool(more)] * 4


@pytest.mark.parametrize(
    "config", [{"lr": -1.0}, {"depth": 0}, {"pace": 0.0}, {"context": "beside"}, {"seed": 1.5}]
)
def test_a_config_out_of_range_is_refused_where_it_comes_in(config: dict[str, object]) -> None:
    line = json.dumps({"command": "start", "config": config}).encode() + b"\n"
    (skipped,) = command_reader().feed(line)
    assert isinstance(skipped, Skipped)


def test_a_line_beyond_16_mib_is_refused_without_being_kept() -> None:
    reader = event_reader()
    piece = b"x" * 2**20
    tracemalloc.start()
    for _ in range(64):
        assert list(reader.feed(piece)) == []
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 3 * MAX_LINE
    skipped, event = reader.feed(b"\n" + encode(EVENTS[0]))
    assert skipped == Skipped(1, "longer than 16 MiB")
    assert event == EVENTS[0]


def test_a_line_of_just_16_mib_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    line = encode(EVENTS[0])
    monkeypatch.setattr(wire, "MAX_LINE", len(line) - 1)
    assert list(event_reader().feed(line)) == [EVENTS[0]]


def test_an_unfinished_last_line_is_not_there_yet() -> None:
    reader = event_reader()
    line = encode(EVENTS[0])
    assert list(reader.feed(line[:-1])) == []
    assert list(reader.feed(b"\n")) == [EVENTS[0]]


def test_blank_lines_are_nothing() -> None:
    assert list(event_reader().feed(b"\n  \n\r\n")) == []


def test_text_from_outside_is_cleaned_as_it_comes_in() -> None:
    line = json.dumps({"event": "failed", "kind": "crash", "message": "a\x1b]0;b\x07", "log": None})
    (event,) = event_reader().feed(line.encode() + b"\n")
    assert isinstance(event, Failed)
    assert "\x1b" not in event.message
    head = '{"event":"hello","protocol":1,"version":"\\u009b1m","started":"",'
    raw = head + '"config":{},"arms":["\\u001b"]}'
    (hello,) = event_reader().feed(raw.encode() + b"\n")
    assert isinstance(hello, Hello)
    assert "\x9b" not in hello.version
    assert hello.arms == ["\N{REPLACEMENT CHARACTER}"]
    raw = '{"event":"steps","first":0,"elapsed":0,"loss":{"\\u001b":[1.0]}}'
    (steps,) = event_reader().feed(raw.encode() + b"\n")
    assert isinstance(steps, Steps)
    assert steps.loss == {"\N{REPLACEMENT CHARACTER}": [1.0]}
    assert isinstance(State("paused", 0, None), State)


TEXTS = st.text(st.characters(exclude_categories=()), max_size=20)
UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def strings(value: object) -> Iterator[str]:
    """Every string in a message, at any depth, key or value."""
    match value:
        case str():
            yield value
        case dict():
            for key, inner in value.items():
                yield from (*strings(key), *strings(inner))
        case list() | tuple():
            for inner in value:
                yield from strings(inner)
        case msgspec.Struct():
            yield from strings(msgspec.structs.asdict(value))


def with_texts(value: object, draw: Callable[[], str]) -> object:
    """The same JSON with other strings: values, and the keys of mappings by network."""
    match value:
        case dict():
            keyed = {"loss", "losses", "examples", "held_out"}
            return {
                key: {draw(): inner for inner in item.values()}
                if key in keyed and isinstance(item, dict)
                else item
                if key in {"event", "state", "kind", "knob", "activation", "init", "context"}
                or key in {"placement", "device", "flat"}
                else with_texts(item, draw)
                for key, item in value.items()
            }
        case str():
            return draw()
        case list() if value and all(isinstance(item, str) for item in value):
            return [draw() if item not in get_args(Norm) else item for item in value]
        case list():
            return [with_texts(item, draw) for item in value]
        case _:
            return value


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
@settings(max_examples=15)
@given(data=st.data())
def test_no_string_of_any_event_reaches_a_screen_with_control_characters(
    event: AnyEvent, data: st.DataObject
) -> None:
    hostile = with_texts(msgspec.to_builtins(event), lambda: data.draw(TEXTS))
    line = json.dumps(hostile).encode() + b"\n"
    for read in event_reader().feed(line):
        assert isinstance(read, type(event) | Skipped)
        assert not any(UNSAFE.search(text) for text in strings(read))


def test_a_preset_inside_the_config_cannot_paint() -> None:
    raw = msgspec.to_builtins(EVENTS[0])
    raw["config"]["preset"] = "\x1b]0;pwn\x07\x1b[2J"
    raw["config"]["data"] = "\x9b2J"
    [read] = event_reader().feed(json.dumps(raw).encode() + b"\n")
    assert isinstance(read, Hello)
    assert not UNSAFE.search(f"{read.config.preset}{read.config.data}")


@pytest.mark.parametrize(
    "line",
    [
        '{"event":"steps","first":9223372036854775808,"elapsed":1.0,"loss":{"BN":[1.0]}}',
        '{"event":"steps","first":-1,"elapsed":1.0,"loss":{"BN":[1.0]}}',
        '{"event":"steps","first":0,"elapsed":1.0,"loss":{"BN":[1e400]}}',
        '{"event":"steps","first":0,"elapsed":1.0,"loss":{"BN":[-1e308]}}',
        '{"event":"state","state":"running","step":0,"pace":-1.0,"diverged":[]}',
        '{"event":"state","state":"running","step":0,"pace":0,"diverged":[]}',
        '{"event":"diverged","arm":"BN","step":18446744073709551616,"loss":null}',
        "[" * 100_000,
    ],
)
def test_numbers_that_cannot_be_drawn_are_skipped_with_a_reason(line: str) -> None:
    [read] = event_reader().feed(line.encode() + b"\n")
    assert isinstance(read, Skipped)
    assert read.reason


@pytest.mark.parametrize("pace", ["0", "-1e308", "1e309", '"fast"'])
def test_an_impossible_pace_is_no_command(pace: str) -> None:
    [read] = command_reader().feed(f'{{"command":"setpace","pace":{pace}}}\n'.encode())
    assert isinstance(read, Skipped)


def test_a_text_that_is_no_unicode_is_encoded_all_the_same() -> None:
    [read] = event_reader().feed(encode(Reading("odd\udc80name", 0, 1)))
    assert isinstance(read, Reading)
    assert read.source == "odd\N{REPLACEMENT CHARACTER}name"
