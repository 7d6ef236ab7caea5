"""Reads .safetensors files, without torch: https://huggingface.co/docs/safetensors."""

import json
import mmap
import struct
from array import array
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bntui.doctor.tensors import MAX_INDEX, Stored, UnreadableError
from bntui.text import quoted

_TYPES = {
    "F64": ("float64", "d", 8),
    "F32": ("float32", "f", 4),
    "F16": ("float16", "e", 2),
    "BF16": ("bfloat16", "H", 2),
    "I64": ("int64", "q", 8),
    "I32": ("int32", "i", 4),
}
"""Those that buffers have: torch's name, the code of `struct`, bytes."""


def read_safetensors(path: Path, size: int) -> dict[str, Stored]:
    """The format: 8 bytes with the header's length, the header as JSON, then the data."""
    with path.open("rb") as file:
        head = file.read(8)
        length = struct.unpack("<Q", head)[0] if len(head) == 8 else size
        if length > min(size - 8, MAX_INDEX):
            raise UnreadableError("is truncated or no safetensors file: its header is incomplete")
        try:
            header = json.loads(file.read(length))
        except (ValueError, RecursionError):
            raise UnreadableError("is damaged: its header is not JSON") from None
        data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    if not isinstance(header, dict):
        raise UnreadableError("is damaged: its header is not a JSON object")
    start = 8 + length
    entries = ((name, entry) for name, entry in header.items() if name != "__metadata__")
    return {name: _entry(name, entry, data, start) for name, entry in entries}


def _entry(name: str, entry: Any, data: mmap.mmap, start: int) -> Stored:
    shown = quoted(name, limit=100)
    try:
        dtype, (first, last) = str(entry["dtype"]), map(int, entry["data_offsets"])
    except (KeyError, TypeError, ValueError, OverflowError):
        raise UnreadableError(f"is damaged: the header's entry {shown} is malformed") from None
    if not 0 <= first <= last <= len(data) - start:
        raise UnreadableError(f"is truncated or damaged: tensor {shown} lies outside the file")
    torch_name, code, width = _TYPES.get(dtype, (dtype, "", 1))
    size = (last - first) // width if code else 0

    def read() -> Sequence[float]:
        raw = struct.unpack_from(f"<{size}{code}", data, start + first)
        return _from_bfloat16(raw) if dtype == "BF16" else array("d", raw)

    return Stored(torch_name, size, read)


def _from_bfloat16(values: tuple[int, ...]) -> Sequence[float]:
    """A bfloat16 is the upper half of a float32."""
    raw = struct.pack(f"<{len(values)}I", *(value << 16 for value in values))
    return struct.unpack(f"<{len(values)}f", raw)
