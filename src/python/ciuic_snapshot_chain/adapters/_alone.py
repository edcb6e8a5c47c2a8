"""What adapters have in common."""

from __future__ import annotations

import logging
import os
import sys
from typing import Any, Callable, Optional

from ..chain import CiuicSnapshotChain
from ..errors import CiuicError, InvalidInput
from ..snapshot import Snapshot

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
        raise InvalidInput(
            "This adapter is for one process. Of several, all ranks save whole state dictionaries at the same steps with CiuicSnapshotChain: "
            "gather what is sharded first (StateDictOptions(full_state_dict=True), or full_tensor()); parts of tensors under one name are refused."
        )



def find_labelled(chain: CiuicSnapshotChain, label: str, value: str) -> Optional[Snapshot]:
    """
    The snapshot that carries a label; where several do, the newest of the head's branch, and only then one of a branch that was left by a
    rollback.
    """
    listed = chain.list_snapshots()
    found = [snapshot for snapshot in listed if snapshot["labels"].get(label) == value]
    if not found:
        return None
    parents = {snapshot["sequence"]: snapshot["parent"] for snapshot in listed}
    on_branch, at = set(), chain.get_snapshot()["sequence"]
    while at in parents and at not in on_branch:
        on_branch.add(at)
        at = parents[at]
    chosen = next((snapshot for snapshot in found if snapshot["sequence"] in on_branch), found[0])
    return chain.get_snapshot(int(chosen["sequence"]))
