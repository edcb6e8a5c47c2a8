"""What is handed to the library to be copied aside."""

from __future__ import annotations

import ctypes
from typing import Any, Mapping

from . import memory, tree
from .gpu import PinnedCopies
from .ranks import Rules

class Staging:
    """Says where the bytes of a save lie; those of GPUs are brought to the CPU first."""

    def __init__(self) -> None:
        self._pinned = PinnedCopies()

    def place(self, packed: Mapping[str, tree.Packed], rules: Rules) -> tuple[list[dict[str, Any]], list[Any]]:
        """Items as the library takes them, and whatever's memory must live until it has copied them."""
        on_gpus = [(item, name, t) for item, content in packed.items() for name, t in content.tensors.items() if t.device.type == "cuda"]
        copies = self._pinned.of(on_gpus) if on_gpus else {}
        items, held = [], []
        for item, content in packed.items():
            tensors = [(name, memory.hold(copies.get((item, name), tensor))) for name, tensor in content.tensors.items()]
            held.append((tensors, content))
            items.append({
                "item": item,
                "tensors": [
                    {**memory.describe(name, tensor), **({"first_rank": True} if rules.is_of_rank0(item, name) else {})} for name, tensor in tensors
                ],
                "bytes": {name: "" for name, data in content.bytes.items() if not data},
                "bytes_at": {name: _place(data) for name, data in content.bytes.items() if data},
                "is_per_rank": rules.is_own(item),
            })
        return items, held


def _place(data: bytes) -> dict[str, Any]:
    return {"address": ctypes.cast(ctypes.c_char_p(data), ctypes.c_void_p).value, "length": len(data)}
