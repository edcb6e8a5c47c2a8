"""
States to tensors and a tree, and back: dictionaries, lists and plain values as JSON, tensors by name. No pickle: nothing that is read can
run. See FORMAT.md.
"""

from __future__ import annotations

import base64
import ctypes
import json
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any, Callable, Iterable, Optional

from .errors import UnsupportedValue
from .packer import BLOB, LARGE, LONG, MAX_DEPTH, METADATA, RESERVED, TREE, Packer, is_array, is_function, is_tensor, why_not
from .unpacker import Source, missing, read

__all__ = [
    "BLOB", "LARGE", "LONG", "MAX_DEPTH", "METADATA", "RESERVED", "TREE", "Packed", "is_array", "is_function", "is_tensor", "node", "pack",
    "pack_plain", "require_plain", "scalar", "to_json", "unpack",
]


@dataclass
class Packed:
    """An item as it is saved."""

    tensors: "OrderedDict[str, Any]" = field(default_factory=OrderedDict)
    bytes: dict[str, bytes] = field(default_factory=dict)


def pack(item: str, state: Any, path: "tuple[Any, ...]" = (), drop_functions: bool = False) -> Packed:
    """
    An item's state. A module's flat dictionary of tensors needs no tree: it is what TorchSharp saves, too.

    :param item: what the caller calls it.
    :param path: keys under which it lies there.
    :param drop_functions: whether functions in dictionaries are left out, as torch's schedulers do: whoever loads them has his own.
    """
    packed = Packed()
    packer = Packer(item, packed.tensors, path, drop_functions, packed.bytes)
    tree = packer.pack(state, (), 0)
    versions = getattr(state, "_metadata", None) if isinstance(state, OrderedDict) else None
    if _is_flat(state, packed.tensors) and not (versions and METADATA in packed.tensors):
        if versions:
            packed.bytes[METADATA] = to_json(Packer(f"{item}._metadata", OrderedDict()).pack(versions, (), 0))
        return packed
    taken = (*RESERVED, *packed.bytes)
    if any(name in packed.tensors for name in taken):
        packed.tensors.clear()
        packed.bytes.clear()
        packer.reserve(taken)
        tree = packer.pack(state, (), 0)
    packed.bytes[TREE] = to_json(tree)
    return packed


def node(place: str, value: Any, blobs: Optional[dict[str, bytes]] = None) -> Any:
    """The tree of a plain value, without tensors; what is large in it goes to ``blobs``, if there are some."""
    tensors: "OrderedDict[str, Any]" = OrderedDict()
    packed = Packer(place, tensors, blobs=blobs).pack(value, (), 0)
    if tensors:
        raise UnsupportedValue(f"{place} holds tensors where none can be.")
    return packed


def pack_plain(place: str, value: Any) -> Any:
    """The tree of anything that can be saved, wherever its tensors go."""
    return Packer(place, OrderedDict()).pack(value, (), 0)


def require_plain(place: str, value: Any) -> None:
    """Refuses a tensor whose bytes do not hold its values."""
    why = why_not(value)
    if why is not None:
        raise Packer(place, OrderedDict()).unsupported((), *why)


def to_json(tree: Any) -> bytes:
    """A tree as it is stored."""
    return json.dumps(tree, separators=(",", ":"), allow_nan=False).encode()


def unpack(
    tensor_names: Iterable[str], tree: Optional[bytes], tensor: Callable[[str], Any], versions: Optional[bytes] = None,
    data: Callable[[str], bytes] = lambda name: missing(name),
) -> Any:
    """The state again; tensors and byte items come from the given functions."""
    if tree is not None:
        return read(json.loads(tree), Source(tensor, data))
    state: Any = OrderedDict((name, tensor(name)) for name in tensor_names)
    if versions is not None:
        state._metadata = read(json.loads(versions), Source(tensor, data))
    return state


def _is_flat(state: Any, tensors: "OrderedDict[str, Any]") -> bool:
    return (
        isinstance(state, dict)
        and len(state) > 0
        and list(state) == list(tensors)
        and all(isinstance(key, str) and is_tensor(value) for key, value in state.items())
    )


def scalar(value: Any) -> Any:
    """A tensor without a dimension, inside a tree: each rank has its own."""
    from .memory import describe, hold

    held = hold(value)
    said = describe("", held)
    data = ctypes.string_at(said["address"], held.element_size())
    return {"S": [said["dtype"], base64.b64encode(data).decode()]}
