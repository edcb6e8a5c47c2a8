"""Which of several processes this is, where torch.distributed knows it and the environment does not."""

from __future__ import annotations

import os
import sys
import uuid

#: What launchers call a start of all processes; the library reads these itself.
LAUNCHERS = ("TORCHELASTIC_RUN_ID", "SLURM_JOB_ID")


def settings() -> dict[str, str]:
    """Rank, world size and a name that all ranks of this start have in common; nothing where this process is alone, or the environment tells."""
    torch = sys.modules.get("torch")
    distributed = getattr(torch, "distributed", None)
    if distributed is None or not distributed.is_available() or not distributed.is_initialized() or distributed.get_world_size() == 1:
        return {}
    said = {"Ciuic:Ranks:Rank": str(distributed.get_rank()), "Ciuic:Ranks:WorldSize": str(distributed.get_world_size())}
    if not any(os.environ.get(name, "none") != "none" for name in LAUNCHERS):
        said["Ciuic:Ranks:Attempt"] = _agree(torch)
    return said


def _agree(torch: object) -> str:
    """Rank 0 makes a name up, and tells the others."""
    distributed = torch.distributed  # type: ignore[attr-defined]
    device = "cuda" if distributed.get_backend() == "nccl" else "cpu"
    name = torch.tensor(list(uuid.uuid4().bytes), dtype=torch.uint8, device=device)  # type: ignore[attr-defined]
    distributed.broadcast(name, 0)
    return bytes(name.cpu().tolist()).hex()
