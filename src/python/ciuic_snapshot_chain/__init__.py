"""Snapshots (training checkpoints) of a run: saved in the background, verified, restored bit for bit."""

from .chain import CiuicSnapshotChain
from .errors import (
    CiuicError,
    Conflict,
    Corrupt,
    Fenced,
    InvalidInput,
    LibraryMissing,
    MissingValue,
    NotFound,
    Unavailable,
    UnsupportedValue,
)
from .handle import SaveHandle
from .sigterm import guard_this_process
from .snapshot import Snapshot

guard_this_process()

__version__ = "0.1.0"

__all__ = [
    "CiuicError",
    "CiuicSnapshotChain",
    "Conflict",
    "Corrupt",
    "Fenced",
    "InvalidInput",
    "LibraryMissing",
    "MissingValue",
    "NotFound",
    "SaveHandle",
    "Snapshot",
    "Unavailable",
    "UnsupportedValue",
]
