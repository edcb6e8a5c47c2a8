"""States to tensors and a tree: what each kind of value becomes. See FORMAT.md."""

from __future__ import annotations

import array
import base64
import functools
import math
import sys
import types
import weakref
from collections import OrderedDict
from typing import Any, Iterable, Optional

from . import hints
from .errors import UnsupportedValue
from .memory import DTYPES

TREE = "python"

#: Versions of modules, which hang on a state dictionary as an attribute; of one that needs no tree.
METADATA = "metadata"

#: Byte items of ours: where an item has them, no tensor may be called so.
RESERVED = (TREE, METADATA, "values")

#: Lists of so many numbers or more are stored as the numbers' bytes.
LONG = 64

#: Bytes, and lists of numbers, of so many bytes or more are byte items of their own.
BLOB = 64 << 10

#: Arrays of unsigned integers of so many bytes or more lie among the tensors.
LARGE = 1 << 20
MAX_DEPTH = 100


class Packer:
    """
    Makes the tree of one item.

    :param item: what the caller calls it.
    :param tensors: takes its tensors by their names.
    :param root: keys under which it lies there.
    :param drop_functions: whether functions in dictionaries are left out.
    :param blobs: takes what is too large for a text; without it everything is in the tree.
    """

    def __init__(
        self, item: str, tensors: "OrderedDict[str, Any]", root: "tuple[Any, ...]" = (), drop_functions: bool = False,
        blobs: Optional[dict[str, bytes]] = None,
    ) -> None:
        self._item, self._tensors, self._root, self._drop, self._blobs = item, tensors, root, drop_functions, blobs
        self._taken: frozenset[str] = frozenset()

    def reserve(self, names: Iterable[str]) -> None:
        """No tensor is called so."""
        self._taken = frozenset(names)

    def pack(self, value: Any, path: tuple[Any, ...], depth: int) -> Any:
        if depth > MAX_DEPTH:
            raise self.unsupported(path, f"more than {MAX_DEPTH} levels deep, or contains itself")
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
            pairs = [
                [self.pack(k, path, depth), self.pack(v, path + (k,), depth)]
                for k, v in value.items() if not (self._drop and is_function(v))
            ]
            node = {"o" if isinstance(value, OrderedDict) else "d": pairs}
            versions = getattr(value, "_metadata", None) if isinstance(value, OrderedDict) else None
            if versions:
                node["m"] = self.pack(versions, path + ("_metadata",), depth)
            return node
        if type(value) is list and len(value) >= LONG:
            numbers = _numbers(value)
            if numbers is not None:
                return {"L": [numbers.typecode, self._data(numbers.tobytes())]}
        for kind, name in ((list, "l"), (tuple, "t"), (set, "s"), (frozenset, "z")):
            if type(value) is kind:
                return {name: [self.pack(v, path + (i,), depth) for i, v in enumerate(value)]}
        if isinstance(value, (bytes, bytearray)):
            return {"b": self._data(bytes(value))}
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
        raise self.unsupported(path, f"a {_kind(value)}", hints.way_out(value))

    def _tensor(self, value: Any, path: tuple[Any, ...]) -> Any:
        why = why_not(value)
        if why is not None:
            raise self.unsupported(path, *why)
        if value.numel() == 0:
            return {"e": [str(value.dtype)[6:], list(value.shape)]}
        return {"T": self._add(value, path)}

    def _array(self, value: Any, path: tuple[Any, ...]) -> Any:
        numpy, torch = sys.modules["numpy"], sys.modules.get("torch")
        if type(value) is not numpy.ndarray or value.dtype.kind not in "biufc" or value.dtype.byteorder == ">":
            raise self.unsupported(path, f"an array of {value.dtype} ({_kind(value)})", hints.way_out(value))
        is_odd = value.dtype.itemsize > (16 if value.dtype.kind == "c" else 8)
        is_unsigned = value.dtype.kind == "u" and value.dtype.itemsize > 1
        if torch is None or value.size == 0 or value.ndim == 0 or is_odd or (is_unsigned and value.nbytes < LARGE):
            return {"a": [value.dtype.str, list(value.shape), base64.b64encode(value.tobytes()).decode()]}
        whole = numpy.ascontiguousarray(value)
        if not is_unsigned:
            return {"A": self._add(torch.from_numpy(whole), path), "shape": list(value.shape)}
        # Not every version of torch has these types: their bytes lie there as those of signed numbers.
        signed = torch.from_numpy(whole.view(f"<i{value.dtype.itemsize}"))
        return {"A": self._add(signed, path), "shape": list(value.shape), "dtype": value.dtype.str}

    def _add(self, tensor: Any, path: tuple[Any, ...]) -> str:
        name = _name_of(path) or "value"
        unique, number = name, 1
        while unique in self._tensors or unique in self._taken:
            number += 1
            unique = f"{name}~{number}"
        self._tensors[unique] = tensor
        return unique

    def _data(self, data: bytes) -> Any:
        """Bytes in base64, or the name of the byte item that they are."""
        if self._blobs is None or len(data) < BLOB:
            return base64.b64encode(data).decode()
        name = f"{TREE}~{len(self._blobs)}"
        self._blobs[name] = data
        return {"B": name}

    def unsupported(self, path: tuple[Any, ...], what: str, way_out: str = "") -> UnsupportedValue:
        place = self._item + "".join(f"[{key!r}]" for key in self._root + path)
        return UnsupportedValue(f"{place} is {what}: it cannot be saved without running code when it is read. {way_out or hints.ANY}")


def is_tensor(value: Any) -> bool:
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.Tensor)


def is_array(value: Any) -> bool:
    numpy = sys.modules.get("numpy")
    return numpy is not None and isinstance(value, numpy.ndarray)


def is_function(value: Any) -> bool:
    """Functions, and what torch's older schedulers keep of their own methods."""
    kinds = (types.FunctionType, types.MethodType, types.BuiltinFunctionType, functools.partial, weakref.WeakMethod)
    return isinstance(value, kinds)


def _kind(value: Any) -> str:
    kind = type(value)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def why_not(value: Any) -> "Optional[tuple[str, str]]":
    """What a tensor is that cannot be saved, and what can; None where its bytes hold its values."""
    torch = sys.modules["torch"]
    dtype, name = str(value.dtype)[6:], type(value).__name__
    if value.device.type == "meta":
        return f"a {name} on the meta device, which has no values", "Materialize it first."
    if value.layout is not torch.strided:
        return f"a {name} of the layout {value.layout}", "Save to_dense(), or its indices() and values()."
    if value.is_quantized or getattr(value, "is_nested", False):
        what = "quantized" if value.is_quantized else "nested"
        return f"a {what} tensor ({dtype})", "Save int_repr() with its scale, or the tensors that it consists of."
    if type(value) not in (torch.Tensor, torch.nn.Parameter):
        return f"a {_kind(value)}, a tensor of its own kind", "Save the plain tensors that it consists of."
    if dtype not in DTYPES:
        return f"a tensor of {dtype}, which this version does not know", "Save view(torch.uint8), and the type beside it."
    return None


def _numbers(value: list[Any]) -> "Optional[array.array[Any]]":
    """A list of nothing but int, or nothing but float, as 64-bit numbers; None where it is another one."""
    kinds = set(map(type, value))
    if kinds == {float}:
        kind = "d"
    elif kinds == {int}:
        kind = "q"
    else:
        return None
    try:
        data = array.array(kind, value)
    except OverflowError:
        return None
    if sys.byteorder == "big":
        data.byteswap()
    return data


def _is_plain_subclass(value: Any) -> bool:
    """defaultdict, Counter and their like lose nothing that a state needs when they come back as dictionaries."""
    return isinstance(value, dict) and type(value).__module__ in ("collections", "builtins")


def _name_of(path: tuple[Any, ...]) -> str:
    """An optimizer's state is named as TorchSharp names it: 0.exp_avg."""
    if len(path) > 2 and path[0] == "state" and isinstance(path[1], int):
        path = path[1:]
    return ".".join(str(key) for key in path)[:900].encode("utf-8", "replace").decode()
