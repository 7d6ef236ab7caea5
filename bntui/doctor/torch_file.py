"""Reads what torch.save wrote, without running code that it may hold.

Files are checked before torch opens them, and mapped into memory rather than read, except those of
torch before 1.6, which cannot be mapped.
"""

import io
import re
import struct
import warnings
import zipfile
from array import array
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from bntui.doctor.tensors import MAX_INDEX, Stored, UnreadableError
from bntui.text import clean

MAX_DEPTH = 12
"""Of nested dictionaries and lists."""

MAX_LEGACY = 2**31
"""Bytes of a file of torch before 1.6, which has to be read as a whole."""

MAX_PICKLE = 8 * 2**20
MAX_OBJECTS = 2**20
"""Bytes of a pickle, and containers in it: a tensor takes some 150 bytes and 5 containers, and a
byte can be a container of 56."""

CONTAINERS = b"]}(\x85\x86\x87"
"""Opcodes of one byte that make a list, a dictionary, a mark or a tuple."""

MAX_READS = 2**21
"""Of a file of torch before 1.6, whose pickle has no size of its own: some 40 a tensor."""

LEGACY_MAGIC = b"l\xfc\x9cF\xf9 j\xa8P\x19"
"""0x1950a86a20f9469cfc6c, as pickled at the start of such a file."""


def read_torch_file(path: Path, size: int) -> dict[str, dict[str, Stored]]:
    """The tensors of each dictionary of a torch.save file, by the dictionary's place in it."""
    is_zip = _is_archive(path, size)
    import torch  # noqa: PLC0415 (takes a second)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            if is_zip:
                content = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
            else:
                with LegacyFile(io.FileIO(path)) as file:
                    content = torch.load(file, map_location="cpu", weights_only=True)
        except UnreadableError:
            raise
        except Exception as error:  # a hostile file can raise anything
            raise UnreadableError(_reason(str(error))) from None
    return _dictionaries(content)


class LegacyFile(io.BufferedReader):
    """A file of torch before 1.6, which gives up after so many reads as no checkpoint needs."""

    reads = 0

    def read(self, size: int | None = -1, /) -> bytes:
        """As of any file."""
        self._count()
        return super().read(size)

    def readline(self, size: int | None = -1, /) -> bytes:
        """As of any file."""
        self._count()
        return super().readline(size)

    def _count(self) -> None:
        self.reads += 1
        if self.reads > MAX_READS:
            raise UnreadableError("holds more objects than any checkpoint does")


def _is_archive(path: Path, size: int) -> bool:
    """Whether torch.save wrote a zip file, checked before torch opens it; False before torch 1.6.

    Raises:
        UnreadableError: It is neither, or TorchScript, damaged, or unpacks to more than its size.
    """
    with path.open("rb") as file:
        head = file.read(32)
        file.seek(max(size - 2**16 - 22, 0))
        tail = file.read()
    if not head.startswith(b"PK\3\4"):
        _check_legacy(head, size)
        return False
    end = tail.rfind(b"PK\5\6")
    if end < 0 or len(tail) < end + 22:
        raise UnreadableError("is truncated: the zip file has no end")
    if struct.unpack_from("<I", tail, end + 12)[0] > MAX_INDEX:
        raise UnreadableError(f"has a zip directory of more than {MAX_INDEX >> 20} MiB")
    try:
        with zipfile.ZipFile(path) as archive:
            for pickle in _pickles(archive.infolist(), size):
                _check_pickle(archive.read(pickle))
    except (zipfile.BadZipFile, NotImplementedError, EOFError, struct.error):
        raise UnreadableError("is truncated or damaged: its zip directory cannot be read") from None
    return True


def _check_legacy(head: bytes, size: int) -> None:
    if LEGACY_MAGIC in head:
        if size > MAX_LEGACY:
            raise UnreadableError(
                f"has more than {MAX_LEGACY >> 30} GiB in the format before torch 1.6; "
                "save it again with a newer torch"
            )
    elif head.startswith(b"\x80"):
        raise UnreadableError(
            "is a plain pickle, which can run code; use torch.save(model.state_dict())"
        )
    else:
        raise UnreadableError("is no checkpoint: torch.save wrote no such file")


def _pickles(entries: list[zipfile.ZipInfo], size: int) -> list[zipfile.ZipInfo]:
    """What describes the tensors; all that torch.save never writes is refused."""
    names = [PurePosixPath(entry.filename).parts[1:] for entry in entries]
    pickles = [e for e, parts in zip(entries, names, strict=True) if parts == ("data.pkl",)]
    if ("constants.pkl",) in names:
        raise UnreadableError("is a TorchScript archive, which is not supported; save state_dict()")
    if not pickles:
        raise UnreadableError("is a zip file, but not one that torch.save wrote")
    if any(entry.file_size > MAX_PICKLE for entry in pickles):
        raise UnreadableError(f"holds more than {MAX_PICKLE >> 20} MiB beside its tensors")
    declared = sum(entry.file_size for entry in entries)
    if declared > size or any(entry.compress_type != zipfile.ZIP_STORED for entry in entries):
        raise UnreadableError(
            f"unpacks to {declared:,} bytes from {size:,}; torch.save never compresses"
        )
    return pickles


def _check_pickle(content: bytes) -> None:
    if sum(map(content.count, CONTAINERS)) > MAX_OBJECTS:
        raise UnreadableError("holds more objects than any checkpoint does")


def _reason(message: str) -> str:
    """Why torch.load refused a file, in a few words."""
    if found := re.search(r"(?:GLOBAL|Unsupported class) ([\w.]+)", message):
        return (
            f"holds Python objects ({clean(found[1], limit=100)}), which can run code and are "
            "never loaded; save model.state_dict() instead"
        )
    return "is truncated or damaged, or holds something other than tensors and plain values"


def _dictionaries(content: object) -> dict[str, dict[str, Stored]]:
    """Every dictionary with tensors, by its keys from the outside in; shared ones count once."""
    from torch import Tensor  # noqa: PLC0415 (takes a second)

    found: dict[str, dict[str, Stored]] = {}
    waiting: list[tuple[str, object, int]] = [("", content, 0)]
    seen: set[int] = set()
    while waiting:
        place, value, depth = waiting.pop()
        if id(value) in seen or depth > MAX_DEPTH:
            continue
        seen.add(id(value))
        if isinstance(value, Mapping):
            items = [(_name(key), item) for key, item in value.items()]
        elif isinstance(value, list | tuple):
            items = [(str(index), item) for index, item in enumerate(value)]
        else:
            continue
        inner = f"{place}." if place else ""
        waiting += [(inner + key, item, depth + 1) for key, item in reversed(items)]
        if tensors := {key: _stored(item) for key, item in items if isinstance(item, Tensor)}:
            found[place] = tensors
    return found


def _name(key: object) -> str:
    """A key as text; what is neither text nor a number may be nested without end."""
    return str(key) if isinstance(key, str | int | float) else type(key).__name__


def _stored(tensor: Any) -> Stored:
    """A dense tensor of real numbers; any other has no size here."""
    dtype = str(tensor.dtype).removeprefix("torch.")
    try:
        dense = str(tensor.layout) == "torch.strided" and tensor.device.type == "cpu"
        size = (
            tensor.numel() if dense and not tensor.is_complex() and not tensor.is_quantized else 0
        )
    except (RuntimeError, ValueError):  # a lazy module's buffer that has no shape yet
        size = 0
    return Stored(dtype, size, lambda: array("d", tensor.detach().flatten().double().tolist()))
