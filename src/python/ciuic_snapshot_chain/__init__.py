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
from .snapshot import Snapshot

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
