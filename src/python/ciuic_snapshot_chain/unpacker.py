"""A tree to the state again: nothing that is read can run. See FORMAT.md."""

from __future__ import annotations

import array
import base64
import ctypes
import sys
from collections import OrderedDict
from typing import Any, Callable

from .errors import Corrupt


class Source:
    """Where tensors and byte items come from."""

    def __init__(self, tensor: Callable[[str], Any], data: Callable[[str], bytes]) -> None:
        self._tensor, self.data = tensor, data

    def __call__(self, name: str) -> Any:
        return self._tensor(name)

    def bytes_of(self, said: Any) -> bytes:
        """What :meth:`_Packer._data` has written."""
        return self.data(said["B"]) if isinstance(said, dict) else base64.b64decode(said)


def missing(name: str) -> bytes:
    raise Corrupt(f"The byte item '{name}' is not there.")


def read(node: Any, tensor: Callable[[str], Any]) -> Any:
    if not isinstance(node, dict):
        return node
    kind = next(iter(node))
    reader = _READERS.get(kind)
    if reader is None:
        raise Corrupt(f"A value of the kind '{kind}' is not known to this version.")
    return reader(node, tensor)


def _ordered(node: Any, tensor: Callable[[str], Any]) -> Any:
    state: Any = OrderedDict(_pairs(node, tensor))
    if "m" in node:
        state._metadata = read(node["m"], tensor)
    return state


def _list_of_numbers(node: Any, tensor: Source) -> list[Any]:
    kind, data = node["L"]
    if kind not in ("q", "d"):
        raise Corrupt(f"A list of the kind '{kind}' is not known to this version.")
    numbers = array.array(kind, tensor.bytes_of(data))
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers.tolist()


def _scalar(node: Any, tensor: Callable[[str], Any]) -> Any:
    from .memory import describe, empty

    dtype, data = node["S"]
    value, text = empty(dtype, []), base64.b64decode(data)
    if len(text) != value.element_size():
        raise Corrupt(f"A number of {dtype} has {len(text)} bytes.")
    ctypes.memmove(describe("", value)["address"], text, len(text))
    return value


def _pairs(node: Any, tensor: Callable[[str], Any]) -> list[tuple[Any, Any]]:
    return [(read(k, tensor), read(v, tensor)) for k, v in next(iter(node.values()))]


def _all(node: Any, tensor: Callable[[str], Any]) -> list[Any]:
    return [read(v, tensor) for v in next(iter(node.values()))]


def _numpy_array(node: Any, tensor: Callable[[str], Any]) -> Any:
    import numpy

    if "A" in node:
        found = tensor(node["A"]).numpy()
        return (found.view(node["dtype"]) if "dtype" in node else found).reshape(node["shape"])
    dtype, shape, data = node["a"]
    return numpy.frombuffer(base64.b64decode(data), dtype=dtype).reshape(shape).copy()


def _numpy_scalar(node: Any, tensor: Callable[[str], Any]) -> Any:
    import numpy

    dtype, data = node["n"]
    return numpy.frombuffer(base64.b64decode(data), dtype=dtype)[0]


def _torch(name: str) -> Any:
    import torch

    return getattr(torch, name)


def _dtype(name: str) -> Any:
    import torch

    found = getattr(torch, name, None)
    if not isinstance(found, torch.dtype):
        raise Corrupt(f"'{name}' is no element type that this torch knows.")
    return found


_READERS: dict[str, Callable[[Any, Any], Any]] = {
    "d": lambda node, tensor: dict(_pairs(node, tensor)),
    "o": _ordered,
    "l": _all,
    "L": _list_of_numbers,
    "S": _scalar,
    "t": lambda node, tensor: tuple(_all(node, tensor)),
    "s": lambda node, tensor: set(_all(node, tensor)),
    "z": lambda node, tensor: frozenset(_all(node, tensor)),
    "i": lambda node, tensor: int(node["i"]),
    "f": lambda node, tensor: float(node["f"]),
    "c": lambda node, tensor: complex(*_all(node, tensor)),
    "b": lambda node, tensor: tensor.bytes_of(node["b"]),
    "n": _numpy_scalar,
    "a": _numpy_array,
    "A": _numpy_array,
    "T": lambda node, tensor: tensor(node["T"]),
    "e": lambda node, tensor: _torch("empty")(node["e"][1], dtype=_dtype(node["e"][0]), device="cpu"),
    "dtype": lambda node, tensor: _dtype(node["dtype"]),
    "device": lambda node, tensor: _torch("device")(node["device"]),
    "size": lambda node, tensor: _torch("Size")(node["size"]),
}
