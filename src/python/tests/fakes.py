"""
Stand-ins for libraries that are not installed here, by their published protocols: transformers.TrainerCallback and TrainerState (5.x),
lightning's CheckpointIO (2.6), torch.distributed.checkpoint's storage, planner and metadata (torch 2.11). test_real_libraries.py uses the
libraries themselves.
"""

import dataclasses
import enum
import sys
import types
from typing import Any


def install():
    """Puts those into sys.modules that cannot be imported."""
    for name, make in (("transformers", _transformers), ("lightning.pytorch.plugins.io", _lightning), ("torch.distributed.checkpoint.storage", _dcp)):
        try:
            __import__(name)
        except ImportError:
            make()


def _module(name, **members):
    parts = name.split(".")
    for i in range(1, len(parts) + 1):
        sys.modules.setdefault(".".join(parts[:i]), types.ModuleType(".".join(parts[:i])))
    sys.modules[name].__dict__.update(members)


@dataclasses.dataclass
class TrainerState:
    global_step: int = 0
    epoch: float = 0.0
    log_history: list = dataclasses.field(default_factory=list)
    best_metric: Any = None


def _transformers():
    _module("transformers", TrainerCallback=type("TrainerCallback", (), {}), TrainerState=TrainerState)


def _lightning():
    _module("lightning.pytorch.plugins.io", CheckpointIO=type("CheckpointIO", (), {"teardown": lambda self: None}))


def _dcp():
    @dataclasses.dataclass(frozen=True)
    class TensorProperties:
        dtype: Any = None

    @dataclasses.dataclass
    class ChunkStorageMetadata:
        offsets: Any
        sizes: Any

    @dataclasses.dataclass
    class TensorStorageMetadata:
        properties: Any
        size: Any
        chunks: list

    @dataclasses.dataclass
    class BytesStorageMetadata:
        pass

    @dataclasses.dataclass
    class Metadata:
        state_dict_metadata: dict
        planner_data: Any = None
        storage_data: Any = None

    @dataclasses.dataclass
    class WriteResult:
        index: Any
        size_in_bytes: int
        storage_data: Any

    _module(
        "torch.distributed.checkpoint.metadata", TensorProperties=TensorProperties, ChunkStorageMetadata=ChunkStorageMetadata,
        TensorStorageMetadata=TensorStorageMetadata, BytesStorageMetadata=BytesStorageMetadata, Metadata=Metadata,
    )
    _module(
        "torch.distributed.checkpoint.planner", LoadItemType=enum.Enum("LoadItemType", "TENSOR BYTE_IO"),
        WriteItemType=enum.Enum("WriteItemType", "TENSOR SHARD BYTE_IO"),
    )
    _module(
        "torch.distributed.checkpoint.storage", WriteResult=WriteResult, StorageWriter=type("StorageWriter", (), {}),
        StorageReader=type("StorageReader", (), {}),
    )
