"""Writes safetensors files (https://github.com/huggingface/safetensors): a header in JSON, then the bytes."""

from __future__ import annotations

import json
import os
import struct
from typing import Any, Mapping, Union

from .memory import hold
from .whole_file import replaced

DTYPES = {
    "uint8": "U8", "int8": "I8", "int16": "I16", "int32": "I32", "int64": "I64", "float16": "F16", "bfloat16": "BF16", "float32": "F32",
    "float64": "F64", "bool": "BOOL", "complex64": "C64", "uint16": "U16", "uint32": "U32",
    "uint64": "U64", "float8_e4m3fn": "F8_E4M3", "float8_e5m2": "F8_E5M2", "float8_e8m0fnu": "F8_E8M0",
}


def write(path: Union[str, "os.PathLike[str]"], tensors: Mapping[str, Any], metadata: Mapping[str, str]) -> None:
    """Writes tensors to a new file, or in the place of one, in one step."""
    from .errors import UnsupportedValue

    header: dict[str, Any] = {"__metadata__": dict(metadata)}
    offset = 0
    for name, tensor in tensors.items():
        dtype = str(tensor.dtype)[6:]
        if dtype not in DTYPES:
            raise UnsupportedValue(f"'{name}' is of {dtype}, which safetensors files do not have.")
        length = tensor.numel() * tensor.element_size()
        header[name] = {"dtype": DTYPES[dtype], "shape": list(tensor.shape), "data_offsets": [offset, offset + length]}
        offset += length
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with replaced(path) as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for tensor in tensors.values():
            file.write(_bytes(hold(tensor)))


def _bytes(tensor: Any) -> Any:
    import ctypes

    length = tensor.numel() * tensor.element_size()
    return memoryview((ctypes.c_char * length).from_address(tensor.data_ptr())) if length else b""
