"""The chain of a run's snapshots."""

from __future__ import annotations

import functools
import logging
import os
import time
import weakref
from collections import OrderedDict
from typing import Any, Iterable, Iterator, Mapping, Optional, Union

from . import ending, introduction, loaders, plain, rng
from .config import Config
from .errors import CiuicError, InvalidInput
from .generators import Generators
from .handle import SaveHandle
from .leaving import forgotten, is_last
from .library import Library
from .naming import check_run
from .opened import OpenedRun
from .ranks import Rules
from .reader import Reader, Reference, listed_snapshot, text_of
from .resuming import Resuming
from .saving import Saving
from .sigterm import Sigterm
from .snapshot import Snapshot
from .state import ALIASES, MODEL, OPTIMIZER, SCHEDULER, split

log = logging.getLogger("ciuic_snapshot_chain")


class CiuicSnapshotChain:
    """
    Saves and restores the snapshots of one run. May be used from several threads; chains of one run in one process share it.

    :param config: path of a JSON file, or a mapping of the same keys (see the package's README).
    :param run: the run's name; default: ``run`` in the configuration, or the name of the program and a hash of where it lies.
    """

    def __init__(self, config: Union[str, "os.PathLike[str]", Mapping[str, Any]], run: Optional[str] = None) -> None:
        self._config = Config.read(config)
        self.run = check_run(run) if run else self._config.run
        self._is_named = bool(run) or self._config.is_named
        library = Library.shared()
        self._opened = OpenedRun.share(library, self._config.settings, self.run)
        self._opened.at_the_end = self._config.sigterm_deadline
        self._library = library
        self._tracked: "OrderedDict[str, Any]" = OrderedDict()
        self._own = {rng.ITEM, loaders.ITEM}
        self._reader = Reader(self._opened)
        self._sigterm = Sigterm(self._config.on_sigterm != "ignore")
        self._is_last = functools.partial(is_last, self._opened, self._sigterm)  # no method: a chain that is forgotten must go at once
        self._saving = Saving(self._opened, self._config, self._is_last)
        self._follows = self._config.follow_loaders and self._config.save_rng
        if self._follows:
            loaders.FOLLOWER.use()
        self._closing = weakref.finalize(self, forgotten, self._opened, self._sigterm, self._config.sigterm_deadline, self._follows)
        self._closing.atexit = False  # ending.py waits for every run
        self._resuming = Resuming(self._opened, self._config, self._reader, self._sigterm, self._closing)
        self._generators = Generators(self._reader, self._follows)

    # -- saving ------------------------------------------------------------------------------------------------------

    def save_snapshot(
        self,
        state: Mapping[str, Any],
        *,
        blocking: bool = False,
        step: Optional[int] = None,
        labels: Optional[Mapping[str, str]] = None,
        per_rank: Iterable[str] = (),
        rank0: Iterable[str] = (),
    ) -> SaveHandle:
        """
        Saves a dictionary as people give it to ``torch.save``: state dictionaries under their usual names, plain values beside
        them. Returns once everything is copied aside; with ``blocking`` once it is committed. Objects with a ``state_dict`` may stand for it.
        ``labels`` are kept with the snapshot, and listed. What is on its way when the program ends is waited for, ``sigterm_deadline`` at most.

        Several ranks save at the same steps what is alike on all of them, and nothing is committed where it is not. ``per_rank`` are keys
        whose tensors are each rank's own; ``rank0`` patterns of ``item/name`` of which rank 0's values are saved, as those of the buffers of
        modules are, and running statistics.
        """
        return self._save_parts(split(state), blocking=blocking, step=step, labels=labels, per_rank=per_rank, rank0=rank0)

    def save_with(self, state: Mapping[str, Any], *, step: int, generators: Any) -> SaveHandle:
        """For adapters: saves with random generators that were captured earlier."""
        return self._save_parts(split(state), step=step, generators=generators)

    def check(self, state: Mapping[str, Any]) -> None:
        """Raises what :meth:`save_snapshot` would raise of this state, and saves nothing: for the line before the loop."""
        parts = split(state)
        parts.step(), parts.count("epoch"), parts.count("batch_idx"), parts.metrics()
        parts.pack()

    def should_save(self, step: Optional[int] = None, end_of_epoch: bool = False) -> bool:
        """
        Whether a save is due after this step (``save_every_steps``), or because the process was told to end: of several ranks after the step
        that all agree on, so each asks after the same steps.
        """
        self._generators.leave()  # training has begun
        now = self._opened.step if step is None else plain.whole(step, "step")
        if self._is_last(now):
            return True
        return bool(self._library.call("due", run=self._resuming.open(), step=now, end_of_epoch=end_of_epoch)["due"])

    def step(self, metrics: Optional[Mapping[str, float]] = None, end_of_epoch: bool = False, **values: Any) -> Optional[SaveHandle]:
        """Counts a step of what is tracked, and saves it where that is due."""
        with self._opened.lock:
            self._opened.step += 1
            now = self._opened.step
        if not self.should_save(now, end_of_epoch):
            return None
        return self._save_parts(split({**self._tracked, **values}, metrics), step=now)

    def batches(self, loader: Any) -> Iterator["tuple[int, Any]"]:
        """
        The batches of a loader, with their numbers, as ``enumerate(loader)`` gives them; in the first epoch after a resume those are passed over
        that were trained on before. Shuffled loaders give the order that they gave then.
        """
        return loaders.batches(loader)

    @property
    def stopping(self) -> bool:
        """
        Whether the process was told to end: save once more, then leave. Of several ranks from the step on at which all agree to end, which
        ``should_save`` or ``save_snapshot`` has said.
        """
        return self._sigterm.requested if self._opened.ranks.world_size == 1 else self._opened.ranks.is_ending

    def finish(self, timeout: Optional[float] = None) -> None:
        """Waits until every save on its way is committed; raises what went wrong with the last one, the log has the others."""
        end = None if timeout is None else time.monotonic() + timeout
        self._opened.patience.settle(timeout)
        unfinished = self._opened.unfinished()
        for handle in unfinished[:-1]:
            try:
                handle.wait(None if end is None else max(0.0, end - time.monotonic()))
            except CiuicError as error:
                log.error("Step %d was not saved: %s", handle.step, error)
        for handle in unfinished[-1:]:
            handle.result(None if end is None else max(0.0, end - time.monotonic()))
        self._opened.forget_finished()

    # -- restoring ---------------------------------------------------------------------------------------------------

    def track(self, **objects: Any) -> "CiuicSnapshotChain":
        """Names objects with ``state_dict`` and ``load_state_dict`` that :meth:`step` saves and :meth:`resume` restores."""
        for name, value in objects.items():
            if not (hasattr(value, "state_dict") and hasattr(value, "load_state_dict")):
                raise InvalidInput(f"'{name}' has no state_dict and load_state_dict.")
        self.check(objects)  # what cannot be saved is told before training begins
        self._tracked.update(objects)
        return self

    def track_per_rank(self, **objects: Any) -> "CiuicSnapshotChain":
        """The same for objects whose state is each rank's own: a sampler, or what a rank has for itself. Each gets its own back."""
        self.track(**objects)
        self._own.update(ALIASES.get(name, name) for name in objects)
        return self

    def resume(self) -> Optional[Snapshot]:
        """Restores everything tracked from the newest whole snapshot; None where there is none."""
        snapshot = self.get_latest_snapshot(restore_rng=False)
        if snapshot is None:
            return None
        states = {name: self.load(snapshot, ALIASES.get(name, name)) for name in self._tracked}  # all of them, before anything is changed
        for name, value in self._tracked.items():
            value.load_state_dict(states[name])
        self._generators.put_back(snapshot)
        return snapshot

    def get_latest_snapshot(self, *, restore_rng: bool = True, follow: bool = True) -> Optional[Snapshot]:
        """
        The newest snapshot of which every byte is right, or None. Damaged ones are named in the log and passed over. Random generators
        are put back as they were when it was saved, and again by each ``load_...`` of it until training begins, unless told otherwise. Asked
        again, or after a save, it is the newest committed one, and generators are left alone: training has begun.

        :param follow: whether the next pass over a DataLoader repeats the one in the middle of which the snapshot was saved.
        """
        if self._resuming.is_over:
            return self._resuming.newest()
        snapshot = self._resuming.resume()
        if not self._is_named:
            introduction.say(self._library, self._opened.chain, self.run, snapshot)
        if snapshot is not None and restore_rng:
            self._generators.put_back(snapshot, follow)
        return snapshot

    def get_snapshot(self, reference: Reference = "latest") -> Snapshot:
        """A snapshot by ``latest``, ``step:N``, its number, ``tag:NAME`` or the first digits of its digest; read when it is loaded."""
        return self._reader.find(reference)

    def go_on_from(self, reference: Reference, reason: str = "") -> Snapshot:
        """
        Says that training goes on from this snapshot, which the program loads: before the next save the run's head is moved there, with the
        reason in the ledger. Where a snapshot's optimizer is loaded, or any before the first save, that is understood by itself.
        """
        snapshot = reference if isinstance(reference, Snapshot) else self.get_snapshot(reference)
        self._opened.origin.go_on_from(snapshot, reason)
        return snapshot

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
        return self._load(snapshot, item, ALIASES.get(item, item))

    def load_state(self, snapshot: Snapshot) -> dict[str, Any]:
        """The whole dictionary that was saved, under the names that were used."""
        names: dict[str, str] = snapshot.get("names", {})
        state = dict(snapshot.get("saved", {}))
        for key, item in names.items():
            state[key] = self._load(snapshot, item, "state")
        return state

    def restore_rng(self, snapshot: Snapshot) -> None:
        """Puts random generators back as they were when the snapshot was saved; nothing happens where it holds none."""
        self._reader.generators(snapshot)()

    # -- history -----------------------------------------------------------------------------------------------------

    def rollback(self, reference: Reference, reason: str, *, force: bool = False) -> Snapshot:
        """Moves the run's head back to a committed snapshot; history keeps both branches. ``force`` fences whoever trains."""
        answer = self._library.call(
            "rollback", chain=self._opened.connection(), run=self.run, reference=text_of(reference), parts=[], reason=reason, force=force
        )
        return listed_snapshot(answer)

    def sync(self, *, discard: bool = False) -> list[dict[str, Any]]:
        """
        Commits saves that were kept on this machine while the gateway was away; opening the run does it, too. Each is answered with its
        ``step``, an ``outcome`` (committed, left, discarded), the ``sequence`` or the ``reason``. ``discard`` removes them instead.
        """
        return list(self._library.call("sync", chain=self._opened.connection(), run=self.run, discard=discard)["saves"])

    def verify(self, reference: Reference = "latest") -> Snapshot:
        """Reads every byte of a snapshot and checks it; raises Corrupt where something is wrong."""
        snapshot = self.get_snapshot(reference)
        self._reader.check(snapshot)
        return snapshot

    def export(self, reference: Reference, path: Union[str, "os.PathLike[str]"], item: str = MODEL) -> None:
        """Writes an item's tensors as a safetensors file; to a path that ends in .pt or .pth all of the item, for ``torch.load``."""
        from .exporting import write

        write(path, self._reader, self.get_snapshot(reference), item)

    # -- the end -----------------------------------------------------------------------------------------------------

    def close(self) -> None:
        """
        Gives the run back. What is on its way is waited for, ``sigterm_deadline`` at most; what is not committed then is kept on this
        machine or named in the log.
        """
        self._close(self._config.sigterm_deadline)

    def _close(self, seconds: float) -> None:
        if self._closing.detach() is None:
            return
        if self._follows:
            loaders.FOLLOWER.leave()
        try:
            self._opened.release(seconds)
        finally:
            self._sigterm.close()

    def __enter__(self) -> "CiuicSnapshotChain":
        return self

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        end = time.monotonic() + self._config.sigterm_deadline
        try:
            if kind is None:
                self.finish(self._config.sigterm_deadline)
        finally:
            self._close(max(0.0, end - time.monotonic()))

    # -- inside ------------------------------------------------------------------------------------------------------

    def _save_parts(
        self, parts: Any, *, blocking: bool = False, step: Optional[int] = None, labels: Optional[Mapping[str, str]] = None,
        generators: Any = None, per_rank: Iterable[str] = (), rank0: Iterable[str] = (),
    ) -> SaveHandle:
        self._generators.leave()
        self._resuming.require_open()
        rules = Rules({*self._own, *parts.items_of(per_rank)}, rank0, parts.buffers())
        handle = self._saving.save(parts, step, labels or {}, generators, rules)
        if blocking:
            handle.result()
        if self.stopping:
            self._end()
        return handle

    def _load(self, snapshot: Snapshot, item: str, counts_as: str) -> Any:
        loaded = self._reader.load(snapshot, item)
        if snapshot["run"] == self.run:
            self._opened.origin.load(snapshot, counts_as)
        self._generators.put_back_again(snapshot)  # whatever was drawn since, for a model that was made meanwhile, must not count
        return loaded

    def _end(self) -> None:
        end = time.monotonic() + self._config.sigterm_deadline  # for all of it: whoever told us to end kills us then
        try:
            self.finish(self._config.sigterm_deadline)
        except (CiuicError, TimeoutError) as error:
            log.error("The last save before the end failed: %s", error)
            OpenedRun.exit_code = 1
        if self._config.on_sigterm == "save_and_exit":
            self._close(max(0.0, end - time.monotonic()))
            if OpenedRun.any_open():
                log.warning("Run %s has ended; this program ends with the last save of its last run.", self.run)
                return
            ending.leave(OpenedRun.exit_code)
