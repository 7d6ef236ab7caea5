"""Checkpoints are read without running code, whatever they hold."""

import json
import os
import pickle
import struct
import warnings
import zipfile
from argparse import Namespace
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import nn

from bntui.doctor import checkpoint, torch_file
from bntui.doctor.checkpoint import Checkpoint, read_checkpoint
from bntui.errors import InputError


def network() -> nn.Sequential:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3), nn.Linear(3, 2), nn.BatchNorm1d(2))
    for _ in range(3):
        net(torch.randn(8, 4))
    return net


def saved(path: Path, content: object, **options: Any) -> Checkpoint:
    torch.save(content, path, **options)
    return read_checkpoint(path)


def write_safetensors(path: Path, tensors: dict[str, torch.Tensor]) -> None:
    """The format's reference: its names of types, offsets, and the tensors' own bytes."""
    types = {"float32": "F32", "float16": "F16", "bfloat16": "BF16", "int64": "I64"}
    header, data = {}, b""
    for name, tensor in tensors.items():
        raw = bytes(tensor.reshape(-1).view(torch.uint8).tolist())
        kind = types[str(tensor.dtype).removeprefix("torch.")]
        offsets = [len(data), len(data) + len(raw)]
        header[name] = {"dtype": kind, "shape": list(tensor.shape), "data_offsets": offsets}
        data += raw
    head = json.dumps({"__metadata__": {"format": "pt"}, **header}).encode()
    path.write_bytes(struct.pack("<Q", len(head)) + head + data)


def test_every_value_is_read(tmp_path: Path) -> None:
    net = network()
    bn = net.get_submodule("1")
    state = {name: value.tolist() for name, value in bn.state_dict().items()}
    found = saved(tmp_path / "a.pt", net.state_dict())
    assert [layer.name for layer in found.layers] == ["1", "3"]
    assert found.tensors == len(net.state_dict())
    layer = found.layers[0]
    assert list(layer.mean) == state["running_mean"]
    assert list(layer.var) == state["running_var"]
    assert list(layer.gamma or ()) == state["weight"]
    assert list(layer.beta or ()) == state["bias"]
    assert (layer.count, layer.dtype, layer.weight_dtype) == (3, "float32", "float32")


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_safetensors_says_what_torch_says(tmp_path: Path, dtype: torch.dtype) -> None:
    state = network().to(dtype).state_dict()
    write_safetensors(tmp_path / "a.safetensors", state)
    ours = read_checkpoint(tmp_path / "a.safetensors")
    theirs = saved(tmp_path / "a.pt", state)
    assert ours.tensors == theirs.tensors
    for one, other in zip(ours.layers, theirs.layers, strict=True):
        assert (one.name, one.count, one.dtype) == (other.name, other.count, other.dtype)
        assert list(one.mean) == list(other.mean)
        assert list(one.var) == list(other.var)


@pytest.mark.parametrize("prefix", ["module.", "_orig_mod.", "model.", "module._orig_mod.model."])
def test_prefixes_are_left_out(tmp_path: Path, prefix: str) -> None:
    state = {prefix + key: value for key, value in network().state_dict().items()}
    state["n_averaged"] = torch.tensor(3)
    assert [layer.name for layer in saved(tmp_path / "a.pt", state).layers] == ["1", "3"]


def test_every_model_of_a_nested_checkpoint(tmp_path: Path) -> None:
    state = network().state_dict()
    content = {
        "epoch": 3,
        "state_dict": state,
        "ema": {"shadow": network().state_dict()},
        "both": [network().state_dict(), state],
        "optimizer": {"state": {0: {"exp_avg": torch.ones(3)}}, "param_groups": []},
    }
    models = {layer.model for layer in saved(tmp_path / "a.ckpt", content).layers}
    assert models == {"state_dict", "ema.shadow", "both.0"}


def test_the_format_before_torch_1_6(tmp_path: Path) -> None:
    found = saved(tmp_path / "a.pth", network().state_dict(), _use_new_zipfile_serialization=False)
    assert len(found.layers) == 2


def test_without_batchnorm_there_are_no_layers(tmp_path: Path) -> None:
    assert saved(tmp_path / "a.pt", nn.Linear(2, 2).state_dict()) == Checkpoint([], 2)


def test_a_key_without_end_is_no_name(tmp_path: Path) -> None:
    """Tuples in tuples: the text of such a key would need a stack as deep."""
    pickled = b"\x80\x02})" + b"\x85" * 100_000 + b"K\x01s."
    with zipfile.ZipFile(tmp_path / "a.pt", "w") as archive:
        for name, data in (("data.pkl", pickled), ("version", b"3\n"), ("byteorder", b"little")):
            archive.writestr(f"a/{name}", data)
    with pytest.raises(InputError, match="holds no tensors"):
        read_checkpoint(tmp_path / "a.pt")


def test_odd_tensors_are_left_out(tmp_path: Path) -> None:
    state: dict[Any, Any] = dict(network().state_dict())
    state |= {"x.running_mean": torch.ones(3), "x.running_var": torch.ones(2)}
    state |= {"y.running_mean": "text", "y.running_var": 1.0}
    state |= {"z.running_mean": torch.eye(3).to_sparse(), "z.running_var": torch.ones(9)}
    state |= {"w.running_mean": torch.empty(0), "w.running_var": torch.empty(0), 5: None}
    state |= {"1.num_batches_tracked": torch.tensor(float("nan"))}
    found = saved(tmp_path / "a.pt", state)
    assert [(layer.name, layer.count) for layer in found.layers] == [("1", 0), ("3", 3)]


def test_names_are_cleaned(tmp_path: Path) -> None:
    state = {f"\x1b[31m.{key}": value for key, value in network().state_dict().items()}
    assert saved(tmp_path / "a.pt", state).layers[0].name == "\N{REPLACEMENT CHARACTER}[31m.1"


class Hostile:
    """Runs a command where it is unpickled."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, ("touch ran",)


def torchscript(path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.script(nn.BatchNorm1d(2)).save(str(path))


def bomb(path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/data.pkl", b"\x80\x02}.")
        archive.writestr("a/data/0", bytes(2**24))


def truncated(path: Path) -> None:
    torch.save(network().state_dict(), path)
    path.write_bytes(path.read_bytes()[:-300])


def expanded(path: Path) -> None:
    """A layer of 10^9 channels in a file of some bytes."""
    wide = torch.ones(1).expand(10**9)
    torch.save({"running_mean": wide, "running_var": wide}, path)


def deep(path: Path) -> None:
    """100,000 lists, each the only item of the next."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a/data.pkl", b"\x80\x02" + b"]" * 100_000 + b"a" * 99_999 + b".")
        archive.writestr("a/version", b"3\n")


def crowded(path: Path) -> None:
    """2^20 + 1 empty lists, a byte each."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a/data.pkl", b"\x80\x02" + b"]" * (2**20 + 1) + b".")
        archive.writestr("a/version", b"3\n")


def in_parts(path: Path, data: bytes) -> None:
    path.write_bytes(data)


BAD: list[tuple[str, Callable[[Path], object], str]] = [
    ("a.pt", lambda path: None, "cannot be read: No such file or directory."),
    ("a.pt", Path.mkdir, "is a directory; bntui doctor takes a checkpoint file."),
    ("a.pt", Path.touch, "is empty; bntui doctor takes a checkpoint file."),
    ("a.pt", os.mkfifo, "is not a regular file; bntui doctor takes a checkpoint file."),
    ("a.pt", lambda path: path.write_text("hello"), "is no checkpoint: torch.save wrote no"),
    ("a.pt", lambda path: path.write_bytes(pickle.dumps({})), "is a plain pickle, which can run"),
    ("a.pt", lambda path: torch.save(Hostile(), path), "holds Python objects (posix.system), "),
    ("a.pt", lambda path: torch.save(nn.ReLU(), path), "holds Python objects (torch.nn.modules"),
    ("a.pt", lambda path: torch.save({"hp": Namespace()}, path), "(argparse.Namespace)"),
    ("a.pt", torchscript, "is a TorchScript archive, which is not supported"),
    ("a.pt", bomb, "unpacks to 16,777,220 bytes from"),
    ("a.pt", truncated, "is truncated: the zip file has no end."),
    ("a.pt", expanded, "has running statistics of more than 4,194,304 channels."),
    ("a.pt", crowded, "holds more objects than any checkpoint does."),
    ("a.pt", deep, "holds no tensors; bntui doctor takes a model's state_dict()."),
    ("a.pt", lambda path: torch.save([1, "a"], path), "holds no tensors; bntui doctor takes"),
    ("a.pt", lambda path: zipfile.ZipFile(path, "w").close(), "is no checkpoint: torch.save"),
    ("a.safetensors", lambda path: path.write_bytes(b"abc"), "is truncated or no safetensors"),
    ("a.safetensors", lambda path: in_parts(path, b"\xff" * 99), "is truncated or no safetensors"),
    ("a.safetensors", lambda path: in_parts(path, b"\x02" + bytes(7) + b"{]"), "is not JSON."),
    ("a.safetensors", lambda path: in_parts(path, b"\x02" + bytes(7) + b"[]"), "not a JSON object"),
    (
        "a.safetensors",
        lambda path: in_parts(path, b"\x0b" + bytes(7) + b'{"a":{"b" :1}}'[:11]),
        "is not JSON.",
    ),
    (
        "a.safetensors",
        lambda path: in_parts(path, b"\x07" + bytes(7) + b'{"a":1}'),
        "the header's entry 'a' is malformed.",
    ),
]


@pytest.mark.parametrize(("name", "make", "sentence"), BAD, ids=[text for _, _, text in BAD])
def test_a_bad_file_gets_one_sentence(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    make: Callable[[Path], object],
    sentence: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / name
    make(path)
    with pytest.raises(InputError) as refused:
        read_checkpoint(path)
    text = str(refused.value)
    assert sentence in text
    assert text.startswith(f"'{path}'")
    assert text.count("\n") == 0
    assert text.endswith(".")
    assert not (tmp_path / "ran").exists()


def test_a_tensor_outside_a_safetensors_file(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    write_safetensors(path, network().state_dict())
    path.write_bytes(path.read_bytes()[:-4])
    with pytest.raises(InputError, match=r"truncated or damaged: tensor '3.num_batches_tracked'"):
        read_checkpoint(path)


@pytest.mark.parametrize("kind", ["a.pt", "old.pt", "a.safetensors"])
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_damage_anywhere_is_refused_or_read(tmp_path: Path, kind: str, data: st.DataObject) -> None:
    path = tmp_path / kind
    if kind == "a.safetensors":
        write_safetensors(path, network().state_dict())
    else:
        torch.save(
            network().state_dict(), path, _use_new_zipfile_serialization=not kind.startswith("old")
        )
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content[: data.draw(st.integers(0, len(content)))])
    with suppress(InputError):
        read_checkpoint(path)


def test_limits_are_checked_before_torch_opens_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.pt"
    torch.save(network().state_dict(), path)
    monkeypatch.setattr(torch_file, "MAX_INDEX", 100)
    with pytest.raises(InputError, match="has a zip directory of more than"):
        read_checkpoint(path)
    torch.save(network().state_dict(), path, _use_new_zipfile_serialization=False)
    monkeypatch.setattr(torch_file, "MAX_LEGACY", 100)
    with pytest.raises(InputError, match="in the format before torch"):
        read_checkpoint(path)
    monkeypatch.undo()
    monkeypatch.setattr(torch_file, "MAX_READS", 50)
    with pytest.raises(InputError, match="holds more objects than any checkpoint does"):
        read_checkpoint(path)


def test_only_the_layers_own_tensors_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever else a file holds stays on disk."""
    torch.save(network().state_dict() | {"big.weight": torch.zeros(1000)}, tmp_path / "a.pt")
    read: list[int] = []
    plain = torch.Tensor.tolist

    def counting(tensor: torch.Tensor) -> object:
        read.append(tensor.numel())
        return plain(tensor)

    monkeypatch.setattr(torch.Tensor, "tolist", counting)
    assert len(checkpoint.read_checkpoint(tmp_path / "a.pt").layers) == 2
    assert sum(read) == 4 * 3 + 1 + 4 * 2 + 1
