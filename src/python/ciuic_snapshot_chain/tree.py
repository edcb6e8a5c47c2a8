"""
States to tensors and a tree, and back: dictionaries, lists and plain values as JSON, tensors by name. No pickle: nothing that is read can
run. See FORMAT.md.
"""

from __future__ import annotations

import base64
import json
import math
import sys
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any, Callable, Iterable, Optional

from .errors import Corrupt, UnsupportedValue
from .memory import DTYPES

TREE = "python"
MAX_DEPTH = 100


@dataclass
class Packed:
    """An item as it is saved."""

    tensors: "OrderedDict[str, Any]" = field(default_factory=OrderedDict)
    bytes: dict[str, bytes] = field(default_factory=dict)


def pack(item: str, state: Any) -> Packed:
    """An item's state. A module's flat dictionary of tensors needs no tree: it is what TorchSharp saves, too."""
    packed = Packed()
    tree = _Packer(item, packed.tensors).pack(state, (), 0)
    if not _is_flat(state, packed.tensors):
        packed.bytes[TREE] = json.dumps(tree, separators=(",", ":"), allow_nan=False).encode()
    return packed


def unpack(tensor_names: Iterable[str], tree: Optional[bytes], tensor: Callable[[str], Any]) -> Any:
    """The state again; tensors come from the given function."""
    if tree is None:
        return OrderedDict((name, tensor(name)) for name in tensor_names)
    return _unpack(json.loads(tree), tensor)


def is_tensor(value: Any) -> bool:
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.Tensor)


def is_array(value: Any) -> bool:
    numpy = sys.modules.get("numpy")
    return numpy is not None and isinstance(value, numpy.ndarray)


def _is_flat(state: Any, tensors: "OrderedDict[str, Any]") -> bool:
    return (
        isinstance(state, dict)
        and len(state) > 0
        and list(state) == list(tensors)
        and all(isinstance(key, str) and is_tensor(value) for key, value in state.items())
    )


class _Packer:
    def __init__(self, item: str, tensors: "OrderedDict[str, Any]") -> None:
        self._item, self._tensors = item, tensors

    def pack(self, value: Any, path: tuple[Any, ...], depth: int) -> Any:
        if depth > MAX_DEPTH:
            raise self._unsupported(path, f"more than {MAX_DEPTH} levels deep, or contains itself")
        if value is None or isinstance(value, (bool, str)):
            return value
        if type(value) is int:
            return value if abs(value) < 2**53 else {"i": str(value)}
        if type(value) is float:
            return value if math.isfinite(value) else {"f": repr(value)}
        if is_tensor(value):
            return self._tensor(value, path)
        if is_array(value):
            return self._array(value, path)
        return self._container(value, path, depth + 1)

    def _container(self, value: Any, path: tuple[Any, ...], depth: int) -> Any:
        if type(value) in (dict, OrderedDict) or _is_plain_subclass(value):
            pairs = [[self.pack(k, path, depth), self.pack(v, path + (k,), depth)] for k, v in value.items()]
            return {"o" if isinstance(value, OrderedDict) else "d": pairs}
        for kind, name in ((list, "l"), (tuple, "t"), (set, "s"), (frozenset, "z")):
            if type(value) is kind:
                return {name: [self.pack(v, path + (i,), depth) for i, v in enumerate(value)]}
        if isinstance(value, (bytes, bytearray)):
            return {"b": base64.b64encode(value).decode()}
        if type(value) is complex:
            return {"c": [self.pack(value.real, path, depth), self.pack(value.imag, path, depth)]}
        return self._special(value, path)

    def _special(self, value: Any, path: tuple[Any, ...]) -> Any:
        torch, numpy = sys.modules.get("torch"), sys.modules.get("numpy")
        if torch is not None:
            if isinstance(value, torch.dtype):
                return {"dtype": str(value)[6:]}
            if isinstance(value, torch.device):
                return {"device": str(value)}
            if isinstance(value, torch.Size):
                return {"size": list(value)}
        if numpy is not None and isinstance(value, numpy.generic):
            return {"n": [value.dtype.str, base64.b64encode(value.tobytes()).decode()]}
        kind = type(value)
        raise self._unsupported(path, f"a {kind.__module__}.{kind.__qualname__}")

    def _tensor(self, value: Any, path: tuple[Any, ...]) -> Any:
        torch = sys.modules["torch"]
        plain = type(value) in (torch.Tensor, torch.nn.Parameter) and not getattr(value, "is_nested", False)
        known = str(value.dtype)[6:] in DTYPES
        if not plain or not known or value.layout is not torch.strided or value.is_quantized or value.device.type == "meta":
            raise self._unsupported(path, f"a {type(value).__name__} whose bytes do not hold its values ({value.layout}, {value.dtype}, {value.device})")
        if value.numel() == 0:
            return {"e": [str(value.dtype)[6:], list(value.shape)]}
        return {"T": self._add(value, path)}

    def _array(self, value: Any, path: tuple[Any, ...]) -> Any:
        if value.dtype.kind not in "biufc" or value.dtype.byteorder == ">":
            raise self._unsupported(path, f"an array of {value.dtype}")
        torch = sys.modules.get("torch")
        if torch is not None and value.size > 0 and (value.dtype.kind != "u" or value.dtype.itemsize == 1) and value.dtype.itemsize <= 8:
            numpy = sys.modules["numpy"]
            return {"A": self._add(torch.from_numpy(numpy.ascontiguousarray(value)), path), "shape": list(value.shape)}
        return {"a": [value.dtype.str, list(value.shape), base64.b64encode(value.tobytes()).decode()]}

    def _add(self, tensor: Any, path: tuple[Any, ...]) -> str:
        name = _name_of(path) or "value"
        unique, number = name, 1
        while unique in self._tensors:
            number += 1
            unique = f"{name}~{number}"
        self._tensors[unique] = tensor
        return unique

    def _unsupported(self, path: tuple[Any, ...], what: str) -> UnsupportedValue:
        place = self._item + "".join(f"[{key!r}]" for key in path)
        return UnsupportedValue(
            f"{place} is {what}: it cannot be saved without running code when it is read. Save its state_dict(), or plain values and tensors."
        )


def _is_plain_subclass(value: Any) -> bool:
    """defaultdict, Counter and their like lose nothing that a state needs when they come back as dictionaries."""
    return isinstance(value, dict) and type(value).__module__ in ("collections", "builtins")


def _name_of(path: tuple[Any, ...]) -> str:
    """An optimizer's state is named as TorchSharp names it: 0.exp_avg."""
    if len(path) > 2 and path[0] == "state" and isinstance(path[1], int):
        path = path[1:]
    return ".".join(str(key) for key in path)[:900]


def _unpack(node: Any, tensor: Callable[[str], Any]) -> Any:
    if not isinstance(node, dict):
        return node
    kind = next(iter(node))
    reader = _READERS.get(kind)
    if reader is None:
        raise Corrupt(f"A value of the kind '{kind}' is not known to this version.")
    return reader(node, tensor)


def _pairs(node: Any, tensor: Callable[[str], Any]) -> list[tuple[Any, Any]]:
    return [(_unpack(k, tensor), _unpack(v, tensor)) for k, v in next(iter(node.values()))]


def _all(node: Any, tensor: Callable[[str], Any]) -> list[Any]:
    return [_unpack(v, tensor) for v in next(iter(node.values()))]


def _numpy_array(node: Any, tensor: Callable[[str], Any]) -> Any:
    import numpy

    if "A" in node:
        return tensor(node["A"]).numpy().reshape(node["shape"])
    dtype, shape, data = node["a"]
    return numpy.frombuffer(base64.b64decode(data), dtype=dtype).reshape(shape).copy()


def _numpy_scalar(node: Any, tensor: Callable[[str], Any]) -> Any:
    import numpy

    dtype, data = node["n"]
    return numpy.frombuffer(base64.b64decode(data), dtype=dtype)[0]


def _torch(name: str) -> Any:
    import torch

    return getattr(torch, name)


_READERS: dict[str, Callable[[Any, Callable[[str], Any]], Any]] = {
    "d": lambda node, tensor: dict(_pairs(node, tensor)),
    "o": lambda node, tensor: OrderedDict(_pairs(node, tensor)),
    "l": _all,
    "t": lambda node, tensor: tuple(_all(node, tensor)),
    "s": lambda node, tensor: set(_all(node, tensor)),
    "z": lambda node, tensor: frozenset(_all(node, tensor)),
    "i": lambda node, tensor: int(node["i"]),
    "f": lambda node, tensor: float(node["f"]),
    "c": lambda node, tensor: complex(*_all(node, tensor)),
    "b": lambda node, tensor: base64.b64decode(node["b"]),
    "n": _numpy_scalar,
    "a": _numpy_array,
    "A": _numpy_array,
    "T": lambda node, tensor: tensor(node["T"]),
    "e": lambda node, tensor: _torch("empty")(node["e"][1], dtype=_torch(node["e"][0])),
    "dtype": lambda node, tensor: _torch(node["dtype"]),
    "device": lambda node, tensor: _torch("device")(node["device"]),
    "size": lambda node, tensor: _torch("Size")(node["size"]),
}
