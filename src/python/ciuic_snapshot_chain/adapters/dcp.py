"""
torch.distributed.checkpoint, in one process::

    dcp.save(state, checkpoint_id="step-100", storage_writer=CiuicWriter(chain, step=100))
    dcp.load(state, checkpoint_id="step-100", storage_reader=CiuicReader(chain))

Values that are no tensors are saved as trees like any others (FORMAT.md): nothing is pickled, and nothing that is read can run.

Several processes gather whole state dictionaries and save them with :class:`CiuicSnapshotChain`: see the package's README.
"""

from __future__ import annotations

import io
import os
from typing import Any, Optional, Union

from .. import tree
from ..chain import CiuicSnapshotChain
from ..errors import InvalidInput, NotFound
from ..snapshot import Snapshot
from ._alone import find_labelled, require_alone

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

TENSORS, DESCRIPTION, VALUES = "dcp", "dcp_description", "dcp_values"

#: What earlier versions called bytes that torch had pickled. They are read by torch's restricted reader, which runs nothing.
PICKLED = "dcp_bytes"

#: Keeps the checkpoint_id of a save, and finds the snapshot again.
LABEL = "dcp_checkpoint_id"


class CiuicWriter(StorageWriter):
    """
    Saves a plan's tensors and values as a snapshot, under the ``checkpoint_id`` of ``dcp.save``, if any.

    :param chain: where to save.
    :param step: optimizer updates completed; default: one more than the save before.
    :param blocking: whether ``dcp.save`` returns when it is committed; otherwise ``chain.finish()`` waits for that.
    """

    def __init__(self, chain: CiuicSnapshotChain, step: Optional[int] = None, blocking: bool = True) -> None:
        self._chain, self._step, self._blocking = chain, step, blocking
        self._tensors: dict[str, Any] = {}
        self._values: dict[str, Any] = {}
        self._id: Optional[str] = None

    def reset(self, checkpoint_id: Any = None) -> None:
        self._tensors, self._values = {}, {}
        self._id = None if checkpoint_id is None else str(checkpoint_id)

    def set_up_storage_writer(self, is_coordinator: bool, *args: Any, **kwargs: Any) -> None:
        require_alone()

    def prepare_local_plan(self, plan: Any) -> Any:
        return plan

    def prepare_global_plan(self, plans: Any) -> Any:
        return plans

    def write_data(self, plan: Any, planner: Any) -> Any:
        results = []
        for item in plan.items:
            if item.type == WriteItemType.BYTE_IO:
                size = self._add_value(item.index, planner)
            else:
                data = planner.resolve_data(item).detach()
                self._tensors[_name(item.index)] = data
                size = data.numel() * data.element_size()
            results.append(WriteResult(index=item.index, size_in_bytes=size, storage_data=None))
        done: Any = Future()
        done.set_result(results)
        return done

    def finish(self, metadata: Any, results: Any) -> None:
        state = {TENSORS: self._tensors, DESCRIPTION: _describe(metadata), VALUES: self._values}
        labels = {} if self._id is None else {LABEL: self._id}
        self._chain.save_snapshot(state, step=self._step, blocking=self._blocking, labels=labels)

    def _add_value(self, index: Any, planner: Any) -> int:
        """The planner would hand out a pickle; it is asked for the value itself."""
        if not hasattr(planner, "lookup_object"):
            raise InvalidInput(f"'{index.fqn}' is no tensor, and {type(planner).__name__} hands it out as a pickle only: DefaultSavePlanner does not.")
        value = planner.lookup_object(index)
        size = len(tree.to_json(tree.pack_plain(index.fqn, value)))  # refuses what needs code, by its name
        self._values[index.fqn] = value
        return size

    @classmethod
    def validate_checkpoint_id(cls, checkpoint_id: Any) -> bool:
        return checkpoint_id is None or isinstance(checkpoint_id, (str, os.PathLike))

    def storage_meta(self) -> Any:
        return None


class CiuicReader(StorageReader):
    """
    Reads what :class:`CiuicWriter` has saved: the snapshot of the ``checkpoint_id`` of ``dcp.load``, which is the one that was saved under
    that id, or a reference such as ``step:100``; without an id the newest.

    :param chain: where from.
    :param reference: which snapshot, whatever the id.
    :param training: whether what is loaded is trained on: then the run's head is moved there before the next save. Without it nothing is
        asked of the run but its snapshots: another process may be training it.
    """

    def __init__(self, chain: CiuicSnapshotChain, reference: Union[str, int, None] = None, training: bool = True) -> None:
        self._chain, self._reference, self._training = chain, reference, training
        self._snapshot: Optional[Snapshot] = None
        self._id: Optional[str] = None

    def reset(self, checkpoint_id: Any = None) -> None:
        """An id that is none is an error here: what is raised later torch wraps into something that is no Exception."""
        self._snapshot = None
        self._id = None if checkpoint_id is None else str(checkpoint_id)
        if self._id is not None and self._reference is None:
            self._snapshot = self._find()

    def read_metadata(self, *args: Any, **kwargs: Any) -> Any:
        if self._snapshot is None:
            self._snapshot = self._find()
        if DESCRIPTION not in self._snapshot["saved"]:
            raise NotFound(f"{self._snapshot!r} was not saved by CiuicWriter: chain.load_state(snapshot) reads it.")
        return _metadata(self._snapshot["saved"][DESCRIPTION])

    def _find(self) -> Snapshot:
        if self._reference is not None:
            found = self._chain.get_snapshot(self._reference)
        elif self._id is not None:
            found = find_labelled(self._chain, LABEL, self._id) or self._by_reference(self._id)
        else:
            return self._newest()
        if self._training:
            self._chain.go_on_from(found)
        return found

    def _newest(self) -> Snapshot:
        """To resume from it takes the run's lease; whoever only reads leaves that to its trainer."""
        try:
            newest = self._chain.get_latest_snapshot(follow=False) if self._training else self._chain.get_snapshot()
        except NotFound:
            newest = None
        if newest is None:
            raise FileNotFoundError(f"Run {self._chain.run} has no snapshot yet.")
        return newest

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
                self._load_value(item, planner)
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

    def _by_reference(self, checkpoint_id: str) -> Snapshot:
        try:
            return self._chain.get_snapshot(checkpoint_id)
        except (InvalidInput, NotFound) as error:
            raise NotFound(f"Run {self._chain.run} has no checkpoint '{checkpoint_id}': nothing was saved under that id, and as a reference: {error}") from None

    def _load_value(self, item: Any, planner: Any) -> None:
        """Put where the planner would put what it unpickles."""
        assert self._snapshot is not None
        saved, name = self._snapshot["saved"], item.storage_index.fqn
        if VALUES in self._snapshot.get("names", {}):
            value = self._chain.load(self._snapshot, VALUES)[name]  # there are tensors in some of them
        else:
            value = saved[VALUES][name] if VALUES in saved else _from_pickle(saved[PICKLED][name])
        if getattr(planner, "flatten_state_dict", False) and hasattr(planner, "original_state_dict"):
            _set(planner.original_state_dict, planner.mappings[item.dest_index.fqn], value)
        elif hasattr(planner, "state_dict"):
            planner.state_dict[item.dest_index.fqn] = value
        else:
            raise InvalidInput(f"{type(planner).__name__} takes '{name}' as a pickle only: DefaultLoadPlanner does not.")

    @classmethod
    def validate_checkpoint_id(cls, checkpoint_id: Any) -> bool:
        return checkpoint_id is None or isinstance(checkpoint_id, (str, os.PathLike))


def _set(root: Any, path: Any, value: Any) -> None:
    """Where the planner has taken it from: keys of dictionaries, indexes of lists."""
    for key in path[:-1]:
        root = root[key]
    root[path[-1]] = value


def _from_pickle(data: bytes) -> Any:
    """A plain value that version 0.1 has left to torch; anything else is refused."""
    return torch.load(io.BytesIO(data), weights_only=True)


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
