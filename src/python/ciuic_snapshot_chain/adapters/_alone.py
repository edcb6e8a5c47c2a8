"""What adapters have in common."""

from __future__ import annotations

import logging
import os
import sys
from typing import Any, Callable

from ..errors import CiuicError, InvalidInput

log = logging.getLogger("ciuic_snapshot_chain")

#: Seconds that the end of a training waits for its last saves.
AT_THE_END = 300.0


def settle(wait: Callable[[float], Any], seconds: float = AT_THE_END) -> None:
    """Waits for saves; what went wrong with them is told, and ends nobody's training."""
    try:
        wait(seconds)
    except (CiuicError, TimeoutError) as error:
        log.error("A save is not committed: %s", error)


def require_alone() -> None:
    """Refuses to save as one of several processes: the others' parts would never come."""
    torch = sys.modules.get("torch")
    distributed = getattr(torch, "distributed", None)
    is_group = distributed is not None and distributed.is_available() and distributed.is_initialized() and distributed.get_world_size() > 1
    if is_group or int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise InvalidInput("This adapter is for one process; of several each saves its own slices with CiuicSnapshotChain.")
