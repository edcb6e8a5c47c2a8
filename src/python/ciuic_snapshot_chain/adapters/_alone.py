"""Adapters to libraries in which one process saves for all."""

from __future__ import annotations

import os
import sys

from ..errors import InvalidInput


def require_alone() -> None:
    """Refuses to save as one of several processes: the others' parts would never come."""
    torch = sys.modules.get("torch")
    distributed = getattr(torch, "distributed", None)
    is_group = distributed is not None and distributed.is_available() and distributed.is_initialized() and distributed.get_world_size() > 1
    if is_group or int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise InvalidInput("This adapter is for one process; of several each saves its own slices with CiuicSnapshotChain.")
