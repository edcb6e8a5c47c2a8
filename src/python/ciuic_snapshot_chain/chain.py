"""The chain of a run's snapshots."""

from __future__ import annotations

import logging
import os
import sys
import time
from collections import OrderedDict
from typing import Any, Mapping, Optional, Union

from . import ranks, rng
from .config import Config
from .errors import CiuicError, InvalidInput, NotFound
from .handle import SaveHandle
from .library import Library
from .patience import patiently
from .reader import Reader, Reference, listed_snapshot, text_of
from .sigterm import Sigterm
from .snapshot import Snapshot
from .staging import Staging
from .state import ALIASES, MODEL, OPTIMIZER, SCHEDULER, State, split

log = logging.getLogger("ciuic_snapshot_chain")


class CiuicSnapshotChain:
    """
    Saves and restores the snapshots of one run.

    :param config: path of a JSON file, or a mapping of the same keys (see the package's README).
    :param run: the run's name; default: ``run`` in the configuration, or the name of the program.
    """

    def __init__(self, config: Union[str, "os.PathLike[str]", Mapping[str, Any]], run: Optional[str] = None) -> None:
        self._config = Config.read(config)
        self.run = run or self._config.run
        self._library = Library.shared()
        said = {**ranks.settings(), **self._config.settings}
        self._chain: int = self._library.call("open", settings=said)["id"]
        self._run: Optional[int] = None
        self._closing_run: Any = None
        self._resumed = False
        self._step = 0
        self._unfinished: list[SaveHandle] = []
        self._tracked: "OrderedDict[str, Any]" = OrderedDict()
        self._staging = Staging()
        self._reader = Reader(self._library, self._chain, self.run)
        # Several ranks are told at different moments: they must agree on their last step.
        alone = os.environ.get("WORLD_SIZE", "1") == "1" and "Ciuic:Ranks:WorldSize" not in said
        self._sigterm = Sigterm(self._config.on_sigterm != "ignore" and alone)
        self._closing = self._library.closing(self, self._chain)

    # -- saving ------------------------------------------------------------------------------------------------------

    def save_snapshot(
        self, state: Mapping[str, Any], *, blocking: bool = False, step: Optional[int] = None, labels: Optional[Mapping[str, str]] = None
    ) -> SaveHandle:
        """
        Saves a dictionary as people give it to ``torch.save``: state dictionaries under their usual names, plain values beside
        them. Returns once everything is copied aside; with ``blocking`` once it is committed. Objects with a ``state_dict`` may stand for it.
        ``labels`` are kept with the snapshot, and listed.
        """
        if self._sigterm.requested:
            self._wait_for_room()
        parts = split(state)
        self._move_to(parts.step() if step is None else step)
        handle = self._save(parts, labels or {})
        if blocking:
            handle.result()
        if self._sigterm.requested:
            self._end()
        return handle

    def should_save(self, step: Optional[int] = None, end_of_epoch: bool = False) -> bool:
        """Whether a save is due after this step (``save_every_steps``), or because the process was told to end."""
        if self._sigterm.requested:
            return True
        return bool(self._library.call("due", run=self._open(), step=self._step if step is None else step, end_of_epoch=end_of_epoch)["due"])

    def step(self, metrics: Optional[Mapping[str, float]] = None, end_of_epoch: bool = False, **values: Any) -> Optional[SaveHandle]:
        """Counts a step of what is tracked, and saves it where that is due."""
        self._step += 1
        if not self.should_save(self._step, end_of_epoch):
            return None
        state: dict[str, Any] = dict(self._tracked)
        return self.save_snapshot({**state, **(metrics or {}), **values}, step=self._step)

    @property
    def stopping(self) -> bool:
        """Whether the process was told to end: save once more, then leave."""
        return self._sigterm.requested

    def finish(self, timeout: Optional[float] = None) -> None:
        """Waits until every save on its way is committed; raises what went wrong with the last one, the log has the others."""
        end = None if timeout is None else time.monotonic() + timeout
        for handle in self._unfinished[:-1]:
            try:
                handle.wait(None if end is None else max(0.0, end - time.monotonic()))
            except CiuicError as error:
                log.error("Step %d was not saved: %s", handle.step, error)
        for handle in self._unfinished[-1:]:
            handle.result(None if end is None else max(0.0, end - time.monotonic()))
        self._unfinished = []

    # -- restoring ---------------------------------------------------------------------------------------------------

    def track(self, **objects: Any) -> "CiuicSnapshotChain":
        """Names objects with ``state_dict`` and ``load_state_dict`` that :meth:`step` saves and :meth:`resume` restores."""
        for name, value in objects.items():
            if not (hasattr(value, "state_dict") and hasattr(value, "load_state_dict")):
                raise InvalidInput(f"'{name}' has no state_dict and load_state_dict.")
            self._tracked[name] = value
        return self

    def resume(self) -> Optional[Snapshot]:
        """Restores everything tracked from the newest whole snapshot; None where there is none."""
        snapshot = self.get_latest_snapshot(restore_rng=False)
        if snapshot is None:
            return None
        states = {name: self.load(snapshot, ALIASES.get(name, name)) for name in self._tracked}  # all of them, before anything is changed
        for name, value in self._tracked.items():
            value.load_state_dict(states[name])
        self.restore_rng(snapshot)
        return snapshot

    def get_latest_snapshot(self, *, restore_rng: bool = True) -> Optional[Snapshot]:
        """
        The newest snapshot of which every byte is right, or None. Damaged ones are named in the log and passed over. Random generators
        are put back as they were when it was saved, unless told otherwise. Asked again, or after a save, it is the newest committed one, and
        generators are left alone: training has begun.
        """
        if self._resumed:
            try:
                return self.get_snapshot()
            except NotFound:
                return None
        answer = self._patiently("resume", id=self._open())
        self._resumed = True
        for damage in answer["damage"]:
            log.error("Damaged, passed over: %s", damage)
        if answer["without_silo"]:
            log.warning("NO GATEWAY ANSWERED: the bucket alone was asked.")
        self._step = answer["step"]
        if answer["snapshot"] is None:
            return None
        snapshot = self._reader.open_staged(answer)
        if restore_rng:
            self.restore_rng(snapshot)
        return snapshot

    def get_snapshot(self, reference: Reference = "latest") -> Snapshot:
        """A snapshot by ``latest``, ``step:N``, its number, ``tag:NAME`` or the first digits of its digest; read when it is loaded."""
        return self._reader.find(reference)

    def list_snapshots(self) -> list[Snapshot]:
        """All committed snapshots, newest first, without what is in them."""
        return self._reader.committed()

    def load_model_state(self, snapshot: Snapshot) -> Any:
        """The model's state dictionary."""
        return self.load(snapshot, MODEL)

    def load_optimizer_state(self, snapshot: Snapshot) -> Any:
        """The optimizer's state dictionary."""
        return self.load(snapshot, OPTIMIZER)

    def load_scheduler_state(self, snapshot: Snapshot) -> Any:
        """The scheduler's state dictionary."""
        return self.load(snapshot, SCHEDULER)

    def load(self, snapshot: Snapshot, item: str) -> Any:
        """Any item as it was saved, its tensors on the CPU."""
        return self._reader.load(snapshot, item)

    def load_state(self, snapshot: Snapshot) -> dict[str, Any]:
        """The whole dictionary that was saved, under the names that were used."""
        names: dict[str, str] = snapshot.get("names", {})
        state = dict(snapshot.get("saved", {}))
        for key, item in names.items():
            state[key] = self.load(snapshot, item)
        return state

    def restore_rng(self, snapshot: Snapshot) -> None:
        """Puts random generators back as they were when the snapshot was saved; nothing happens where it holds none."""
        self._reader.restore_rng(snapshot)

    # -- history -----------------------------------------------------------------------------------------------------

    def rollback(self, reference: Reference, reason: str, *, force: bool = False) -> Snapshot:
        """Moves the run's head back to a committed snapshot; history keeps both branches. ``force`` fences whoever trains."""
        answer = self._library.call(
            "rollback", chain=self._chain, run=self.run, reference=text_of(reference), parts=[], reason=reason, force=force
        )
        return listed_snapshot(answer)

    def sync(self, *, discard: bool = False) -> list[dict[str, Any]]:
        """
        Commits saves that were kept on this machine while the gateway was away; opening the run does it, too. Each is answered with its
        ``step``, an ``outcome`` (committed, left, discarded), the ``sequence`` or the ``reason``. ``discard`` removes them instead.
        """
        return list(self._library.call("sync", chain=self._chain, run=self.run, discard=discard)["saves"])

    def verify(self, reference: Reference = "latest") -> Snapshot:
        """Reads every byte of a snapshot and checks it; raises Corrupt where something is wrong."""
        snapshot = self.get_snapshot(reference)
        self._reader.check(snapshot)
        return snapshot

    def export(self, reference: Reference, path: Union[str, "os.PathLike[str]"], item: str = MODEL) -> None:
        """Writes an item's tensors as a safetensors file."""
        from .safetensors import write

        snapshot = self.get_snapshot(reference)
        write(path, self._reader.tensors(snapshot, item), {"run": self.run, "manifest": snapshot["manifest"]})

    # -- the end -----------------------------------------------------------------------------------------------------

    def close(self) -> None:
        """Gives the run back. What is not committed by then is not waited for: see :meth:`finish`."""
        if self._run is not None:
            self._closing_run()
            self._run = None
        self._sigterm.close()
        self._closing()

    def __enter__(self) -> "CiuicSnapshotChain":
        return self

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        try:
            if kind is None:
                self.finish(self._config.sigterm_deadline)
        finally:
            self.close()

    # -- inside ------------------------------------------------------------------------------------------------------

    def _open(self, must_go_on: bool = False) -> int:
        """Opens the run. With a state in hand that is to be saved, SIGTERM does not end it."""
        if self._run is None:
            call = self._library.call if must_go_on else self._patiently
            self._run = int(call("open_run", chain=self._chain, run=self.run)["id"])
            self._closing_run = self._library.closing(self, self._run)
        return self._run

    def _patiently(self, method: str, **arguments: Any) -> Any:
        """Calls what may wait for minutes; told to end meanwhile, the program ends: there is nothing yet to save."""
        return patiently(lambda: self._library.call(method, **arguments), self._sigterm, self._abandon)

    def _abandon(self) -> None:
        """What is being read into is left alone until the process has ended."""
        for closing in (self._closing, self._closing_run):
            if closing is not None:
                closing.detach()
        self._run = None

    def _move_to(self, step: Optional[int]) -> None:
        self._step = self._step + 1 if step is None else step
        if self._step < 0:
            raise InvalidInput(f"A step is a number from 0, not {self._step}.")

    def _save(self, state: State, labels: Mapping[str, str]) -> SaveHandle:
        packed = state.pack()
        if self._config.save_rng:
            packed[rng.ITEM] = rng.capture()
        items, held = self._staging.place(packed)
        self._resumed = True
        self._reader.staging_changes()
        answer = self._library.call(
            "save", run=self._open(must_go_on=True), step=self._step, epoch=state.count("epoch"), next_sample=state.count("batch_idx", 1),
            metrics=state.metrics(), labels=dict(labels), items=items,
        )
        del held  # until here its memory was read
        for error in answer["earlier_errors"]:
            log.error("An earlier save failed: %s", error)
        handle = SaveHandle(self._library, answer["save"], self._step, answer["stall_seconds"], answer["bytes"])
        self._unfinished = [h for h in self._unfinished if not h.is_over()] + [handle]
        return handle

    def _wait_for_room(self) -> None:
        """The last save must not be left out because the one before is still being sent."""
        for before in self._unfinished:
            try:
                before.wait(self._config.sigterm_deadline)
            except CiuicError as error:
                log.error("Step %d was not saved: %s", before.step, error)

    def _end(self) -> None:
        try:
            self.finish(self._config.sigterm_deadline)
            code = 0
        except (CiuicError, TimeoutError) as error:
            log.error("The last save before the end failed: %s", error)
            code = 1
        if self._config.on_sigterm == "save_and_exit":
            self.close()
            sys.exit(code)
