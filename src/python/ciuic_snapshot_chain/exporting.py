"""Files for other programs, made of a snapshot."""

from __future__ import annotations

import os
from typing import Union

import torch

from . import safetensors
from .reader import Reader
from .snapshot import Snapshot
from .whole_file import replaced

#: Endings by which people know files of ``torch.save``: there whatever loads them looks for a pickle.
OF_TORCH = (".pt", ".pth")


def write(path: Union[str, "os.PathLike[str]"], reader: Reader, snapshot: Snapshot, item: str) -> None:
    """Writes an item as the path's ending says: as ``torch.save`` does, or its tensors as a safetensors file."""
    if os.fsdecode(path).endswith(OF_TORCH):
        state = reader.load(snapshot, item)
        with replaced(path) as file:
            torch.save(state, file)
        return
    safetensors.write(path, reader.tensors(snapshot, item), {"run": snapshot["run"], "manifest": snapshot["manifest"]})
