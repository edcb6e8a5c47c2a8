"""What is handed to the library to be copied aside."""

from __future__ import annotations

import base64
from typing import Any, Mapping

from . import memory, rng, tree
from .gpu import PinnedCopies


class Staging:
    """Says where the bytes of a save lie; those of GPUs are brought to the CPU first."""

    def __init__(self) -> None:
        self._pinned = PinnedCopies()

    def place(self, packed: Mapping[str, tree.Packed]) -> tuple[list[dict[str, Any]], list[Any]]:
        """Items as the library takes them, and the tensors whose memory must live until it has copied them."""
        on_gpus = [(item, name, t) for item, content in packed.items() for name, t in content.tensors.items() if t.device.type == "cuda"]
        copies = self._pinned.of(on_gpus) if on_gpus else {}
        items, held = [], []
        for item, content in packed.items():
            tensors = [(name, memory.hold(copies.get((item, name), tensor))) for name, tensor in content.tensors.items()]
            held.append(tensors)
            items.append({
                "item": item,
                "tensors": [memory.describe(name, tensor) for name, tensor in tensors],
                "bytes": {name: base64.b64encode(data).decode() for name, data in content.bytes.items()},
                "is_per_rank": item == rng.ITEM,
            })
        return items, held
