"""
torch.distributed.checkpoint, in one process::

    dcp.save(state, storage_writer=CiuicWriter(chain, step=100))
    dcp.load(state, storage_reader=CiuicReader(chain))

Several processes need neither: each saves its own slices with :class:`CiuicSnapshotChain`, and any number of them loads them.
"""

from __future__ import annotations

import io
from typing import Any, Optional, Union

from ..chain import CiuicSnapshotChain
from ..snapshot import Snapshot
from ._alone import require_alone

try:
    import torch
    from torch.distributed.checkpoint.metadata import (
        BytesStorageMetadata, ChunkStorageMetadata, Metadata, TensorProperties, TensorStorageMetadata,
    )
    from torch.distributed.checkpoint.planner import LoadItemType, WriteItemType
    from torch.distributed.checkpoint.storage import StorageReader, StorageWriter, WriteResult
    from torch.futures import Future
except ImportError as error:
    raise ImportError("ciuic_snapshot_chain.adapters.dcp needs torch 2.1 or newer, with torch.distributed.checkpoint") from error

TENSORS, DESCRIPTION, BYTES = "dcp", "dcp_description", "dcp_bytes"


class CiuicWriter(StorageWriter):
    """
    Saves a plan's tensors and bytes as a snapshot.

    :param chain: where to save.
    :param step: optimizer updates completed; default: one more than the save before.
    :param blocking: whether ``dcp.save`` returns when it is committed; otherwise ``chain.finish()`` waits for that.
    """

    def __init__(self, chain: CiuicSnapshotChain, step: Optional[int] = None, blocking: bool = True) -> None:
        self._chain, self._step, self._blocking = chain, step, blocking
        self._tensors: dict[str, Any] = {}
        self._bytes: dict[str, bytes] = {}

    def reset(self, checkpoint_id: Any = None) -> None:
        self._tensors, self._bytes = {}, {}

    def set_up_storage_writer(self, is_coordinator: bool, *args: Any, **kwargs: Any) -> None:
        require_alone()

    def prepare_local_plan(self, plan: Any) -> Any:
        return plan

    def prepare_global_plan(self, plans: Any) -> Any:
        return plans

    def write_data(self, plan: Any, planner: Any) -> Any:
        results = []
        for item in plan.items:
            data = planner.resolve_data(item)
            if item.type == WriteItemType.BYTE_IO:
                self._bytes[item.index.fqn] = data.getvalue()
                size = len(self._bytes[item.index.fqn])
            else:
                self._tensors[_name(item.index)] = data.detach()
                size = data.numel() * data.element_size()
            results.append(WriteResult(index=item.index, size_in_bytes=size, storage_data=None))
        done: Any = Future()
        done.set_result(results)
        return done

    def finish(self, metadata: Any, results: Any) -> None:
        state = {TENSORS: self._tensors, DESCRIPTION: _describe(metadata), BYTES: self._bytes}
        self._chain.save_snapshot(state, step=self._step, blocking=self._blocking)

    @classmethod
    def validate_checkpoint_id(cls, checkpoint_id: Any) -> bool:
        return checkpoint_id is None

    def storage_meta(self) -> Any:
        return None


class CiuicReader(StorageReader):
    """
    Reads what :class:`CiuicWriter` has saved.

    :param chain: where from.
    :param reference: which snapshot; default: the newest, and training goes on from it.
    """

    def __init__(self, chain: CiuicSnapshotChain, reference: Union[str, int, None] = None) -> None:
        self._chain, self._reference = chain, reference
        self._snapshot: Optional[Snapshot] = None

    def reset(self, checkpoint_id: Any = None) -> None:
        self._snapshot = None

    def read_metadata(self, *args: Any, **kwargs: Any) -> Any:
        self._snapshot = self._chain.get_latest_snapshot() if self._reference is None else self._chain.get_snapshot(self._reference)
        if self._snapshot is None:
            raise FileNotFoundError(f"Run {self._chain.run} has no snapshot yet.")
        return _metadata(self._snapshot["saved"][DESCRIPTION])

    def set_up_storage_reader(self, metadata: Any, is_coordinator: bool, *args: Any, **kwargs: Any) -> None:
        require_alone()

    def prepare_local_plan(self, plan: Any) -> Any:
        return plan

    def prepare_global_plan(self, plans: Any) -> Any:
        return plans

    def read_data(self, plan: Any, planner: Any) -> Any:
        assert self._snapshot is not None
        tensors = self._chain.load(self._snapshot, TENSORS) if any(i.type == LoadItemType.TENSOR for i in plan.items) else {}
        for item in plan.items:
            if item.type == LoadItemType.BYTE_IO:
                planner.load_bytes(item, io.BytesIO(self._snapshot["saved"][BYTES][item.storage_index.fqn]))
                continue
            part = tensors[_name(item.storage_index)]
            for dim, (offset, length) in enumerate(zip(item.storage_offsets, item.lengths)):
                part = part.narrow(dim, offset, length)
            target = planner.resolve_tensor(item).detach()
            target.copy_(part)
            planner.commit_tensor(item, target)
        done: Any = Future()
        done.set_result(None)
        return done

    @classmethod
    def validate_checkpoint_id(cls, checkpoint_id: Any) -> bool:
        return checkpoint_id is None


def _name(index: Any) -> str:
    return index.fqn if index.offset is None else f"{index.fqn}@{','.join(str(n) for n in index.offset)}"


def _describe(metadata: Any) -> dict[str, Any]:
    """Without pickle: what the load planner needs."""
    tensors, others = {}, []
    for name, said in metadata.state_dict_metadata.items():
        if isinstance(said, TensorStorageMetadata):
            tensors[name] = {
                "dtype": said.properties.dtype, "size": said.size, "chunks": [(tuple(c.offsets), tuple(c.sizes)) for c in said.chunks],
            }
        else:
            others.append(name)
    return {"tensors": tensors, "bytes": others, "planner": metadata.planner_data}


def _metadata(said: dict[str, Any]) -> Any:
    entries: dict[str, Any] = {name: BytesStorageMetadata() for name in said["bytes"]}
    for name, tensor in said["tensors"].items():
        entries[name] = TensorStorageMetadata(
            properties=TensorProperties(dtype=tensor["dtype"]),
            size=tensor["size"],
            chunks=[ChunkStorageMetadata(offsets=torch.Size(o), sizes=torch.Size(s)) for o, s in tensor["chunks"]],
        )
    return Metadata(state_dict_metadata=entries, planner_data=said["planner"], storage_data={})
