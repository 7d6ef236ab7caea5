"""`bntui doctor` end to end: what is printed, and the exit code."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bntui.cli.main import cli
from bntui.doctor import target
from bntui.doctor.catalogue import RULES
from bntui.doctor.finding import Finding
from bntui.errors import InputError
from bntui.history.watched import WatchedRun
from bntui.protocol.codec import encode
from tests.doctor.test_checkpoint import network, write_safetensors
from tests.test_imports import loaded_by
from tests.watched_events import watched_run

LAG = Finding("ema-lag", "warning", "net", ["head.1"], "It weighs 40 %.", 20)


def doctor(*args: str | Path) -> Result:
    return CliRunner().invoke(cli, ["doctor", *map(str, args)], standalone_mode=False)


def code(result: Result) -> int:
    """The exit code; bad input raises what `bntui` shows as one sentence."""
    if result.exception:
        raise result.exception
    returned: int = result.return_value
    return returned


@pytest.fixture
def healthy(tmp_path: Path) -> Path:
    path = tmp_path / "healthy.safetensors"
    write_safetensors(path, network().state_dict())
    return path


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    path = tmp_path / "broken.safetensors"
    net = network()
    state = net.state_dict()
    state["3.running_mean"].zero_()
    state["3.running_var"].fill_(1)
    state["1.running_var"][0] = 0
    write_safetensors(path, state)
    return path


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "run.jsonl"
    path.write_bytes(b"".join(map(encode, watched_run())))
    return path


def test_a_healthy_checkpoint(healthy: Path) -> None:
    done = doctor(healthy)
    assert code(done) == 0
    assert "14 tensors; BatchNorm layers: 2" in done.output
    assert "No findings." in done.output


def test_a_broken_checkpoint_and_the_options(broken: Path) -> None:
    done = doctor(broken)
    assert code(done) == 1
    assert done.output.index("untrained-buffers") < done.output.index("zero-variance")
    assert code(doctor(broken, "--ignore", "untrained-buffers:3", "--fail-on", "error")) == 0
    assert code(doctor("--ignore", "untrained-buffers", broken)) == 1
    assert code(doctor(broken, "--ignore", "*")) == 0
    found = json.loads(doctor(broken, "--json").stdout)
    assert [one["rule"] for one in found["findings"]] == ["untrained-buffers", "zero-variance"]
    log = json.loads(doctor(broken, "--sarif").stdout)
    assert [one["level"] for one in log["runs"][0]["results"]] == ["error", "warning"]


def test_a_watched_run(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def examine(run: WatchedRun) -> list[Finding]:
        assert [layer.layer.name for layer in run.layers] == ["features.1", "head.1"]
        return [LAG]

    monkeypatch.setattr(target, "examine", examine)
    done = doctor(log)
    assert code(done) == 1
    assert "40 steps; BatchNorm layers: 2." in done.output
    assert "net: head.1; since step 20" in done.output


FAKE = """
import sys, shutil
log, steps, script, *args = sys.argv[2], sys.argv[4], *sys.argv[7:]
assert sys.argv[1:6:2] == ["--log", "--steps", "--budget"]
print("printed by", script, steps, args)
if "--none" not in args:
    shutil.copy({log!r}, log)
sys.exit(3)
"""


@pytest.fixture
def child(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, log: Path) -> Path:
    """A script, and instead of the module that would watch it one that copies a log."""
    (tmp_path / "fake_child.py").write_text(FAKE.format(log=str(log)))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(target, "CHILD", "fake_child")
    script = tmp_path / "train.py"
    script.touch()
    return script


def test_a_script_gets_its_own_options(child: Path, capfd: pytest.CaptureFixture[str]) -> None:
    done = doctor("--steps", "20", "--json", child, "--json", "-x", "y")
    found = json.loads(done.stdout)
    assert code(done) == int(any(f["severity"] != "info" for f in found["findings"]))
    assert found["kind"] == "script"
    assert found["notes"][-1] == "The script ended with exit code 3."
    assert f"printed by {child} 20 ['--json', '-x', 'y']" in capfd.readouterr().err


def test_a_script_without_batchnorm(child: Path) -> None:
    with pytest.raises(InputError, match=r"train.py' ran no model with BatchNorm; it ended with"):
        code(doctor(child, "--none"))


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("a.txt", b"hello", "is none of these: bntui doctor takes a run log, a checkpoint or"),
        ("none", None, r"cannot be read \(No such file or directory\); bntui doctor takes"),
        ("a.jsonl", b"{}\n", "holds no run; bntui doctor takes"),
        ("a.bin", b"\x80\x04N.", "is a plain pickle, which can run code"),
        ("none.py", None, r"cannot be read \(No such file"),
    ],
)
def test_bad_targets(tmp_path: Path, name: str, content: bytes | None, sentence: str) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=sentence):
        code(doctor(tmp_path / name))


def test_arguments_are_only_for_scripts(healthy: Path) -> None:
    with pytest.raises(InputError, match="but only a Python script takes them"):
        code(doctor(healthy, "more"))


@pytest.mark.parametrize(
    ("args", "sentence"),
    [
        ([], "No TARGET was given"),
        (["x", "--json", "--sarif"], "exclude each other"),
        (["--explain", "ema-log"], "--explain is ema-log, but it takes nonfinite-buffers"),
        (["x", "--fail-on", "bad"], "--fail-on is bad, but it takes error, warning or info"),
        (["x", "--ignore", "bad"], "--ignore is bad, but it takes RULE or RULE:LAYER"),
    ],
)
def test_bad_options(args: list[str], sentence: str) -> None:
    done = doctor(*args)
    assert done.exception
    assert sentence in getattr(done.exception, "message", str(done.exception))


def test_every_rule_is_listed_and_explained() -> None:
    listed = doctor("--rules")
    assert code(listed) == 0
    assert [line.split()[0] for line in listed.output.splitlines()] == list(RULES)
    assert max(map(len, listed.output.splitlines())) <= 80 + 20
    for rule in RULES.values():
        explained = doctor("--explain", rule.id)
        assert code(explained) == 0
        assert " ".join(rule.fix.split()) in " ".join(explained.output.split())
        assert max(map(len, explained.output.splitlines())) <= 80
    assert [one["id"] for one in json.loads(doctor("--rules", "--json").stdout)] == list(RULES)


def test_listing_rules_loads_nothing_heavy() -> None:
    program = (
        "import sys; sys.argv = ['bntui', 'doctor', '--rules']\n"
        "from bntui.cli.main import main\n"
        "sys.stdout = open('/dev/null', 'w')\n"
        "try: main()\nexcept SystemExit: pass\n"
        "sys.stdout = sys.__stdout__"
    )
    assert loaded_by(program) == set()


def test_safetensors_need_no_torch(healthy: Path) -> None:
    program = (
        f"import sys; sys.argv = ['bntui', 'doctor', {str(healthy)!r}]\n"
        "from bntui.cli.main import main\n"
        "sys.stdout = open('/dev/null', 'w')\n"
        "try: main()\nexcept SystemExit: pass\n"
        "sys.stdout = sys.__stdout__"
    )
    assert loaded_by(program) == {"rich"}
