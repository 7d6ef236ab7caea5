"""The real engine process: what it hears, what it tells, how it ends."""

import os
import signal
from pathlib import Path

import msgspec
import pytest

from bntui.config.schema import RunConfig
from bntui.protocol import (
    Dataset,
    Failed,
    Hello,
    ModeLosses,
    Pause,
    Reading,
    Refused,
    Resume,
    SetPace,
    Skipped,
    SplitLosses,
    Start,
    State,
    Step,
    Steps,
    Stop,
)
from tests.engine import EngineProcess

SMALL = RunConfig(hidden=8, emb=3, batch_size=4, pace=None, steps=200)
LONG = msgspec.structs.replace(SMALL, steps=10**9)


def test_a_whole_run_in_its_order() -> None:
    with EngineProcess() as engine:
        engine.send(Start(SMALL))
        engine.until_state("finished")
        engine.send(Stop())
        code, _ = engine.end()
    assert code == 0
    kinds = [type(event) for event in engine.told]
    assert kinds[:3] == [Hello, Dataset, State]
    steps = [event for event in engine.told if isinstance(event, Steps)]
    assert sum(len(event.loss["BN"]) for event in steps) == 200
    assert [event.elapsed for event in steps] == sorted(event.elapsed for event in steps)


def test_pause_step_pace_and_resume_are_confirmed() -> None:
    with EngineProcess() as engine:
        engine.send(Start(LONG))
        engine.until(lambda event: isinstance(event, Steps))
        engine.send(Pause())
        at = engine.until_state("paused").step
        engine.send(Step())
        assert engine.until_state("paused").step == at + 1
        engine.send(SetPace(50.0))
        assert engine.until_state("paused").pace == 50
        engine.send(Resume())
        assert engine.until_state("running").step == at + 1
        engine.until(lambda event: isinstance(event, Steps) and event.first > at)


def test_start_begins_again_with_the_same_numbers() -> None:
    with EngineProcess() as engine:
        runs = []
        for _ in range(2):
            engine.told.clear()
            engine.send(Start(SMALL))
            engine.until_state("finished")
            runs.append([e for e in engine.told if not isinstance(e, Hello | Steps)])
    losses = [e for e in runs[0] if isinstance(e, ModeLosses)]
    assert len(losses) > 10
    assert losses == [e for e in runs[1] if isinstance(e, ModeLosses)]


@pytest.mark.parametrize("busy", [False, True])
def test_it_ends_by_itself_when_stdin_closes(busy: bool) -> None:
    with EngineProcess() as engine:
        if busy:
            engine.send(Start(LONG))
            engine.until(lambda event: isinstance(event, Steps))
        engine.stdin.close()
        assert engine.end()[0] == 0


def test_it_ends_quietly_when_nobody_reads_any_more() -> None:
    with EngineProcess() as engine:
        engine.send(Start(LONG))
        engine.until(lambda event: isinstance(event, Steps))
        assert engine.process.stdout
        engine.process.stdout.close()
        assert engine.process.wait() == 0
        assert engine.process.stderr
        assert engine.process.stderr.read() == b""


def test_commands_that_cannot_be_read_are_answered_and_skipped() -> None:
    with EngineProcess() as engine:
        engine.write(b'{"command":"dance"}\n{broken\n')
        skipped = engine.until(lambda event: isinstance(event, Skipped))
        assert isinstance(skipped, Skipped)
        assert skipped.line == 2
        engine.send(Pause(), Start(SMALL))
        engine.until_state("finished")


def test_stray_output_never_enters_the_stream() -> None:
    program = (
        "import os, sys, warnings\n"
        "from bntui.core.engine import loop as engine, process\n"
        "tell = engine.Engine._start\n"
        "def start(self, command):\n"
        "    print('stray print')\n"
        "    os.write(1, b'stray write\\n')\n"
        "    os.system('echo stray child')\n"
        "    warnings.warn('stray warning')\n"
        "    sys.stdout.flush()\n"
        "    tell(self, command)\n"
        "engine.Engine._start = start\n"
        "sys.exit(process.main())"
    )
    with EngineProcess(program) as engine:
        engine.send(Start(SMALL))
        engine.until_state("finished")
        engine.send(Stop())
        _, errors = engine.end()
    assert not any(isinstance(event, Skipped) for event in engine.told)
    for stray in ("stray print", "stray write", "stray child", "stray warning"):
        assert stray in errors


def test_bad_data_is_one_sentence_and_exit_code_2_before_torch_is_loaded(tmp_path: Path) -> None:
    path = tmp_path / "blank.txt"
    path.write_text("\n\n")
    program = (
        "import sys\n"
        "from bntui.core.engine.process import main\n"
        "code = main()\n"
        "sys.exit(99 if 'torch' in sys.modules else code)"
    )
    with EngineProcess(program, fresh=True) as engine:
        engine.send(Start(msgspec.structs.replace(SMALL, data=str(path))))
        code, errors = engine.end()
    assert code == 2
    assert errors == ""
    failed = engine.told[-1]
    assert isinstance(failed, Failed)
    assert failed.kind == "input"
    assert "has only blank lines" in failed.message


def test_a_context_that_no_word_fills_is_bad_input_too(tmp_path: Path) -> None:
    with EngineProcess() as engine:
        engine.send(Start(msgspec.structs.replace(SMALL, block_size=40)))
        code, _ = engine.end()
    assert code == 2
    assert isinstance(engine.told[-1], Failed)
    assert "--block-size is 40" in engine.told[-1].message


def test_an_impossible_start_is_bad_input_and_only_refused_where_a_run_goes_on() -> None:
    impossible = Start(msgspec.structs.replace(SMALL, arms=("gn",), groups=3))
    with EngineProcess() as engine:
        engine.send(Start(LONG), impossible)
        refused = engine.until(lambda event: isinstance(event, Refused))
        assert isinstance(refused, Refused)
        assert refused.reason.startswith("--groups is 3")
        engine.send(Pause())
        engine.until_state("paused")
    with EngineProcess() as engine:
        engine.send(impossible)
        code, _ = engine.end()
    assert code == 2
    assert isinstance(engine.told[-1], Failed)
    assert engine.told[-1].message == refused.reason


def test_split_words_are_told_and_measured() -> None:
    with EngineProcess() as engine:
        engine.send(Start(msgspec.structs.replace(SMALL, split=True)))
        engine.until_state("finished")
    (dataset,) = [event for event in engine.told if isinstance(event, Dataset)]
    assert (dataset.words, dataset.vocabulary) == (20, 21)
    assert list(dataset.held_out) == ["validation", "test"]
    assert dataset.examples + sum(dataset.held_out.values()) == 90
    last = [event for event in engine.told if isinstance(event, SplitLosses)][-1]
    assert last.step == 200
    assert last.examples == {"train": dataset.examples, **dataset.held_out}


def test_a_big_file_says_how_far_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "big.txt"
    path.write_bytes(b"emma\nolivia\n" * 20_000)
    program = (
        "import sys\n"
        "from bntui.data import word_file\n"
        "from bntui.core.engine.process import main\n"
        "word_file.LIMIT, word_file._CHUNK = 2**17, 2**14\n"
        "sys.exit(main())"
    )
    with EngineProcess(program) as engine:
        engine.send(Start(msgspec.structs.replace(SMALL, data=str(path), steps=1)))
        engine.until_state("finished")
    reading = next(event for event in engine.told if isinstance(event, Reading))
    assert reading.source == str(path)
    assert reading.bytes_total == 240_000
    dataset = next(event for event in engine.told if isinstance(event, Dataset))
    assert dataset.bytes_read <= 2**17 < dataset.bytes_total == 240_000
    assert dataset.words == round(dataset.bytes_read / 6)  # the last one may lack its end


BROKEN = (
    "import sys\n"
    "from bntui.core.engine import loop as engine, process\n"
    "def start(self, command): raise RuntimeError('it broke\\x1b[31m')\n"
    "engine.Engine._start = start\n"
    "sys.exit(process.main())"
)


def test_a_fault_is_an_event_with_a_log_and_exit_code_1(tmp_path: Path) -> None:
    env = {**os.environ, "HOME": str(tmp_path), "XDG_STATE_HOME": str(tmp_path)}
    with EngineProcess(BROKEN, env) as engine:
        engine.send(Start(SMALL))
        code, _ = engine.end()
    assert code == 1
    failed = engine.told[-1]
    assert isinstance(failed, Failed)
    assert failed.kind == "crash"
    assert failed.message == "RuntimeError: it broke�[31m"
    assert failed.log
    assert "in start" in Path(failed.log).read_text()


def test_a_fault_whose_log_cannot_be_written_is_told_all_the_same(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    env = {**os.environ, "HOME": str(blocked), "XDG_STATE_HOME": str(blocked)}
    with EngineProcess(BROKEN, env) as engine:
        engine.send(Start(SMALL))
        code, errors = engine.end()
    assert code == 1
    assert isinstance(engine.told[-1], Failed)
    assert engine.told[-1].log is None
    assert "RuntimeError: it broke" in errors


def test_ctrl_c_by_hand_is_quiet() -> None:
    with EngineProcess() as engine:
        engine.send(Start(LONG))
        engine.until(lambda event: isinstance(event, Steps))
        engine.process.send_signal(signal.SIGINT)
        assert engine.end() == (130, "")
