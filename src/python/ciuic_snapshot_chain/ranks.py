"""Several processes that train one run: which of them this is, what they call their start, and at which step they end together."""

from __future__ import annotations

import logging
import os
import sys
import uuid
from datetime import timedelta
from fnmatch import fnmatchcase
from typing import Any, Callable, Iterable, Mapping, Optional

from .errors import InvalidInput
from .last_step import LastStep, NoAgreement

#: What launchers call a start of all processes; the library reads these itself.
LAUNCHERS = ("TORCHELASTIC_RUN_ID", "SLURM_JOB_ID")
#: Buffers of normalisation layers, which DDP lets differ: of these rank 0's are saved whoever hands them over.
STATISTICS = ("running_mean", "running_var", "num_batches_tracked")

log = logging.getLogger("ciuic_snapshot_chain")
_agents: dict[tuple[str, int], Any] = {}
_openings: dict[str, int] = {}


class Ranks:
    """
    This process among those that train a run. Nothing here is a collective, because others may never join one: what ranks tell each
    other goes through the key-value store of torch.distributed, or through the silo.

    :param said: settings of the configuration; those that begin with ``Ciuic:Ranks:`` come first.
    :param run: the run's name.
    """

    def __init__(self, said: Mapping[str, str], run: str) -> None:
        self._said, self._run = said, run
        self._last: Optional[LastStep] = None
        self._right: Optional[int] = None
        self._opening = 0

    @property
    def world_size(self) -> int:
        """How many processes save together."""
        said = int(self._said.get("Ciuic:Ranks:WorldSize", "0") or 0)
        if said > 0:
            return said
        group = _group()
        return group.get_world_size() if group is not None else int(os.environ.get("WORLD_SIZE", "1") or 1)

    def opening(self) -> dict[str, Any]:
        """What ``open_run`` is told besides: what neither settings nor environment say."""
        if self.world_size == 1:
            return {}
        _openings[self._run] = self._opening = _openings.get(self._run, 0) + 1
        told: dict[str, Any] = {}
        group = _group()
        if group is not None:
            told = {"rank": group.get_rank(), "world_size": group.get_world_size()}
        if not self._said.get("Ciuic:Ranks:Attempt") and not any(os.environ.get(name, "none") != "none" for name in LAUNCHERS):
            store = _store()
            if store is None:
                raise InvalidInput(
                    f"{self.world_size} processes train run {self._run} together, and this one cannot ask the others what their start is called: "
                    "call torch.distributed.init_process_group first, or start them with torchrun --standalone or --rdzv-id=NAME, or set "
                    "Ciuic:Ranks:Attempt in settings to a name that they have in common and no other start has. Where one saves alone for all, "
                    "set Ciuic:Ranks:WorldSize to 1."
                )
            told["attempt"] = _agree(store, f"ciuic_snapshot_chain/{self._run}/{self._opening}/attempt")
        return told

    def is_last(self, step: int, told_to_end: bool, token: Callable[[], Optional[int]]) -> bool:
        """
        Whether this step is the one after which training ends: alone, as soon as this process is told to; of several, at the step that all
        agree on. Asked by all ranks after the same steps.

        :param token: the right under which all ranks of this attempt write. torchrun's store outlives a restart of its workers, and with it
            what they have agreed on, and its nodes count their restarts each for itself: nothing else is new at each start and the same on all.
        """
        if self.world_size == 1:
            return told_to_end
        right = token()
        if right is None:
            return False  # the run is not open yet; it is asked again after the next step
        if self._last is None or (right != self._right and not self._last.is_agreed):  # another one, where resuming went back behind damage
            store = _store()
            if store is None:
                if told_to_end:
                    raise NoAgreement("several ranks agree on their last step through torch.distributed, which is not in use here")
                return False
            rank = _group().get_rank() if _group() is not None else int(os.environ.get("RANK", "0"))
            self._last, self._right = LastStep(store, f"ciuic_snapshot_chain/{self._run}/{right}/end", rank, self.world_size), right
        return self._last.is_reached(step, told_to_end)

    @property
    def is_ending(self) -> bool:
        """Whether the ranks have agreed that the step they are at is the last."""
        return self._last is not None and self._last.is_agreed


class Rules:
    """
    Which tensors ranks have alike, which are their own, and of which rank 0's count.

    :param own: items that are each rank's own.
    :param rank0: patterns of ``item/name``, such as ``model/*.running_mean``.
    :param buffers: names of buffers by item, where modules told them.
    """

    def __init__(self, own: Iterable[str], rank0: Iterable[str], buffers: Mapping[str, set[str]]) -> None:
        self._own, self._rank0, self._buffers = set(own), list(rank0), buffers

    def is_own(self, item: str) -> bool:
        """Whether each rank saves all of it, and gets its own back."""
        return item in self._own

    def is_of_rank0(self, item: str, name: str) -> bool:
        """Whether rank 0's values are saved, and those of others are not compared with them."""
        return (
            name in self._buffers.get(item, ())
            or name.rsplit(".", 1)[-1] in STATISTICS
            or any(fnmatchcase(f"{item}/{name}", pattern) for pattern in self._rank0)
        )


def buffers_of(value: Any) -> set[str]:
    """Names of a module's buffers as its state dictionary has them; none of what is no module."""
    if not (hasattr(value, "named_modules") and hasattr(value, "named_buffers")):
        return set()
    parts = value.named_modules(remove_duplicate=False)  # a part that is there twice is in the state twice
    return {f"{prefix}.{name}" if prefix else name for prefix, part in parts for name in getattr(part, "_buffers", ())}


def _group() -> Any:
    """torch.distributed, where it is in use by more than one process."""
    distributed = getattr(sys.modules.get("torch"), "distributed", None)
    if distributed is None or not distributed.is_available() or not distributed.is_initialized() or distributed.get_world_size() == 1:
        return None
    return distributed


def _store() -> Any:
    """
    A key-value store that all ranks reach: that of the process group, or, before there is one, torchrun's. Setting and asking wait for
    nobody.
    """
    group = _group()
    if group is not None:
        try:
            return group.distributed_c10d._get_default_store()
        except (AttributeError, RuntimeError, ValueError):
            return None  # MPI has none
    if os.environ.get("TORCHELASTIC_USE_AGENT_STORE") != "True" or "torch" not in sys.modules:
        return None
    return _agent(os.environ.get("MASTER_ADDR", ""), int(os.environ.get("MASTER_PORT", "0")))


def _agent(host: str, port: int) -> Any:
    if (host, port) not in _agents:
        from torch.distributed import TCPStore

        try:
            _agents[host, port] = TCPStore(host, port, None, False, timeout=timedelta(seconds=30), wait_for_workers=False)
        except (RuntimeError, TypeError) as error:
            log.debug("torchrun's store does not answer at %s:%d: %s", host, port, error)
            return None
    return _agents[host, port]


def _agree(store: Any, key: str) -> str:
    """The name that the first of all ranks has set: none waits for another."""
    name: bytes = store.compare_set(key, "", uuid.uuid4().hex)
    return name.decode()
