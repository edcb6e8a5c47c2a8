"""The chain of a run's snapshots."""

from __future__ import annotations

import base64
import logging
import os
import signal
import sys
import threading
import time
from collections import OrderedDict
from typing import Any, Iterable, Mapping, Optional, Union

from . import memory, optimizer, ranks, rng, tree
from .config import Config
from .errors import CiuicError, InvalidInput, NotFound
from .gpu import PinnedCopies
from .handle import SaveHandle
from .library import Library
from .sigterm import Sigterm
from .snapshot import Snapshot

log = logging.getLogger("ciuic_snapshot_chain")

MODEL, OPTIMIZER, SCHEDULER, SCALER, PROGRESS = "model", "optimizer", "scheduler", "scaler", "progress"

#: What people call these items in the dictionaries they save.
ALIASES = {
    **dict.fromkeys(("model", "model_state", "model_state_dict", "state_dict", "net", "network"), MODEL),
    **dict.fromkeys(("optimizer", "optimizer_state", "optimizer_state_dict", "optim", "optim_state_dict", "optimizer_states"), OPTIMIZER),
    **dict.fromkeys(("scheduler", "scheduler_state", "scheduler_state_dict", "lr_scheduler", "lr_scheduler_state_dict"), SCHEDULER),
    **dict.fromkeys(("scaler", "scaler_state", "scaler_state_dict", "grad_scaler"), SCALER),
}
STEPS = ("step", "global_step", "iteration")
RESERVED = (rng.ITEM, PROGRESS)


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
        self._saves = 0
        self._unfinished: list[SaveHandle] = []
        self._tracked: "OrderedDict[str, Any]" = OrderedDict()
        self._pinned = PinnedCopies()
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
        items, values, names = self._split(state)
        step = self._step_of(values, step)
        packed = {item: _pack(item, given) for item, given in items.items()}
        packed[PROGRESS] = tree.pack(PROGRESS, {"values": values, "names": names})
        if self._config.save_rng:
            packed[rng.ITEM] = rng.capture()
        handle = self._save(packed, step, values, labels or {})
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
        snapshot = self._snapshot(answer)
        snapshot._saves = self._saves
        if restore_rng:
            self.restore_rng(snapshot)
        return snapshot

    def get_snapshot(self, reference: Union[str, int] = "latest") -> Snapshot:
        """A snapshot by ``latest``, ``step:N``, its number, ``tag:NAME`` or the first digits of its digest; read when it is loaded."""
        reference = f"#{reference}" if isinstance(reference, int) else reference
        return self._snapshot(self._library.call("read", chain=self._chain, run=self.run, reference=reference, parts=[]))

    def list_snapshots(self) -> list[Snapshot]:
        """All committed snapshots, newest first, without what is in them."""
        listed = self._library.call("list", chain=self._chain, run=self.run)["snapshots"]
        return [Snapshot(_summary(s), 0, {}) for s in listed]

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
        item = ALIASES.get(item, item)
        saved = self._item(snapshot, item)
        tensors = self._tensors(snapshot, item, saved["tensors"])
        if tree.TREE not in saved["bytes"] and optimizer.VALUES in saved["bytes"]:
            return optimizer.read(self._bytes(snapshot, item, optimizer.VALUES), list(tensors), tensors.__getitem__)
        text = self._bytes(snapshot, item, tree.TREE) if tree.TREE in saved["bytes"] else None
        return tree.unpack(list(tensors), text, tensors.__getitem__)

    def load_state(self, snapshot: Snapshot) -> dict[str, Any]:
        """The whole dictionary that was saved, under the names that were used."""
        names: dict[str, str] = snapshot.get("names", {})
        state = dict(snapshot.get("saved", {}))
        for key, item in names.items():
            state[key] = self.load(snapshot, item)
        return state

    def restore_rng(self, snapshot: Snapshot) -> None:
        """Puts random generators back as they were when the snapshot was saved; nothing happens where it holds none."""
        if rng.ITEM not in snapshot._items:
            return
        saved = self._item(snapshot, rng.ITEM)
        state = self.load(snapshot, rng.ITEM) if tree.TREE in saved["bytes"] else None
        rng.restore(state, self._bytes(snapshot, rng.ITEM, rng.CPU) if rng.CPU in saved["bytes"] else None)

    # -- history -----------------------------------------------------------------------------------------------------

    def rollback(self, reference: Union[str, int], reason: str, *, force: bool = False) -> Snapshot:
        """Moves the run's head back to a committed snapshot; history keeps both branches. ``force`` fences whoever trains."""
        reference = f"#{reference}" if isinstance(reference, int) else reference
        answer = self._library.call(
            "rollback", chain=self._chain, run=self.run, reference=reference, parts=[], reason=reason, force=force
        )
        return Snapshot(_summary(answer), 0, {})

    def sync(self, *, discard: bool = False) -> list[dict[str, Any]]:
        """
        Commits saves that were kept on this machine while the gateway was away; opening the run does it, too. Each is answered with its
        ``step``, an ``outcome`` (committed, left, discarded), the ``sequence`` or the ``reason``. ``discard`` removes them instead.
        """
        return list(self._library.call("sync", chain=self._chain, run=self.run, discard=discard)["saves"])

    def verify(self, reference: Union[str, int] = "latest") -> Snapshot:
        """Reads every byte of a snapshot and checks it; raises Corrupt where something is wrong."""
        snapshot = self.get_snapshot(reference)
        self._library.call("check", id=snapshot._source)
        return snapshot

    def export(self, reference: Union[str, int], path: Union[str, "os.PathLike[str]"], item: str = MODEL) -> None:
        """Writes an item's tensors as a safetensors file."""
        from .safetensors import write

        snapshot = self.get_snapshot(reference)
        saved = self._item(snapshot, ALIASES.get(item, item))
        write(path, self._tensors(snapshot, ALIASES.get(item, item), saved["tensors"]), {"run": self.run, "manifest": snapshot["manifest"]})

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
        if threading.current_thread() is not threading.main_thread():
            return self._library.call(method, **arguments)
        answers: list[Any] = []

        def call() -> None:
            try:
                answers.append(self._library.call(method, **arguments))
            except BaseException as error:  # raised where it is waited for
                answers.append(error)

        calling = threading.Thread(target=call, daemon=True)
        calling.start()
        while calling.is_alive():
            calling.join(0.1)
            if self._sigterm.requested and not answers:
                self._abandon()
                sys.exit(128 + signal.SIGTERM)
        if isinstance(answers[0], BaseException):
            raise answers[0]
        return answers[0]

    def _abandon(self) -> None:
        """What is being read into is left alone until the process has ended."""
        for closing in (self._closing, self._closing_run):
            if closing is not None:
                closing.detach()
        self._run = None

    def _split(self, state: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any], dict[str, str]]:
        """Items of their own as they were given, plain values, and under which names the items were given."""
        items: dict[str, Any] = {}
        values: dict[str, Any] = {}
        names: dict[str, str] = {}
        for key, value in state.items():
            if not isinstance(key, str) or not key:
                raise InvalidInput(f"{key!r} names nothing: keys are strings.")
            if key not in ALIASES and not hasattr(value, "state_dict") and not _holds_tensors(value):
                values[key] = value
                continue
            item = ALIASES.get(key, key)
            if item in RESERVED:
                raise InvalidInput(f"'{key}' is an item of our own: use another name.")
            if item in items:
                raise InvalidInput(f"'{key}' and another key both mean '{item}'.")
            items[item], names[key] = value, item
        return items, values, names

    def _step_of(self, values: Mapping[str, Any], step: Optional[int]) -> int:
        said = step if step is not None else next((values[name] for name in STEPS if type(values.get(name)) is int), None)
        self._step = self._step + 1 if said is None else said
        if self._step < 0:
            raise InvalidInput(f"A step is a number from 0, not {self._step}.")
        return self._step

    def _save(self, packed: Mapping[str, tree.Packed], step: int, values: Mapping[str, Any], labels: Mapping[str, str]) -> SaveHandle:
        held, items = [], []
        on_gpus = [(item, name, t) for item, content in packed.items() for name, t in content.tensors.items() if t.device.type == "cuda"]
        copies = self._pinned.of(on_gpus) if on_gpus else {}
        for item, content in packed.items():
            tensors = [(name, copies.get((item, name), tensor)) for name, tensor in content.tensors.items()]
            tensors = [(name, memory.hold(tensor)) for name, tensor in tensors]
            held.append(tensors)  # their memory must live until the call returns
            items.append({
                "item": item,
                "tensors": [memory.describe(name, tensor) for name, tensor in tensors],
                "bytes": {name: base64.b64encode(data).decode() for name, data in content.bytes.items()},
                "is_per_rank": item == rng.ITEM,
            })
        self._saves += 1
        self._resumed = True
        answer = self._library.call(
            "save", run=self._open(must_go_on=True), step=step, epoch=_count(values, "epoch"), next_sample=_count(values, "batch_idx", 1),
            metrics=_metrics(values), labels=dict(labels), items=items,
        )
        for error in answer["earlier_errors"]:
            log.error("An earlier save failed: %s", error)
        handle = SaveHandle(self._library, answer["save"], step, answer["stall_seconds"], answer["bytes"])
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

    def _snapshot(self, answer: Mapping[str, Any]) -> Snapshot:
        items = {saved["item"]: saved for saved in answer["items"]}
        values = _summary(answer["snapshot"])
        snapshot = Snapshot(values, answer["source"], items)
        if answer["source"]:
            self._library.closing(snapshot, answer["source"])
        if tree.TREE in items.get(PROGRESS, {}).get("bytes", []):
            progress = self.load(snapshot, PROGRESS)
            values["saved"], values["names"] = progress["values"], progress["names"]
            for name, value in progress["values"].items():
                values.setdefault(name, value)
            for name in ("epoch", "step"):
                values[name] = progress["values"].get(name, values[name])
        elif items:  # another language has saved
            values["batch_idx"] = values["next_sample"] - 1
        return snapshot

    def _item(self, snapshot: Snapshot, item: str) -> Mapping[str, Any]:
        if snapshot._saves is not None and snapshot._saves != self._saves:
            # What it was read into is the memory that saves are staged in: it is read again.
            again = self.get_snapshot(int(snapshot["sequence"]))
            snapshot._source, snapshot._items, snapshot._saves, snapshot._again = again._source, again._items, None, again
        if item not in snapshot._items:
            raise NotFound(f"{snapshot!r} has no '{item}'; it has {', '.join(snapshot._items) or 'nothing loaded: use get_snapshot'}.")
        return snapshot._items[item]

    def _tensors(self, snapshot: Snapshot, item: str, saved: Iterable[Mapping[str, Any]]) -> "OrderedDict[str, Any]":
        tensors = OrderedDict((t["name"], memory.empty(t["dtype"], t["shape"])) for t in saved)
        targets = [
            {"item": item, "name": name, "address": tensor.data_ptr(), "length": tensor.numel() * tensor.element_size()}
            for name, tensor in tensors.items()
        ]
        if targets:
            self._library.call("copy", source=snapshot._source, targets=targets)
        return tensors

    def _bytes(self, snapshot: Snapshot, item: str, name: str) -> bytes:
        return base64.b64decode(self._library.call("bytes", source=snapshot._source, item=item, name=name)["bytes"])


def _pack(item: str, given: Any) -> tree.Packed:
    """A state, or an object that has one."""
    is_object = hasattr(given, "state_dict")
    state = given.state_dict() if is_object else given
    packed = tree.pack(item, state)
    if optimizer.is_state(state):
        values = optimizer.write(state, optimizer.kind_of(given) if is_object else None)
        if values is not None:
            packed.bytes[optimizer.VALUES] = values
    return packed


def _summary(said: Mapping[str, Any]) -> dict[str, Any]:
    summary = dict(said)
    summary["timestamp"] = summary.pop("created_at") or ""
    return summary


def _holds_tensors(value: Any) -> bool:
    if tree.is_tensor(value) or tree.is_array(value):
        return True
    if isinstance(value, Mapping):
        return any(_holds_tensors(v) for v in value.values())
    return isinstance(value, (list, tuple)) and any(_holds_tensors(v) for v in value)


def _count(values: Mapping[str, Any], name: str, more: int = 0) -> int:
    value = values.get(name)
    return value + more if type(value) is int and value >= 0 else 0


def _metrics(values: Mapping[str, Any]) -> dict[str, float]:
    finite = {k: float(v) for k, v in values.items() if isinstance(v, float)}
    return {k: v for k, v in finite.items() if v == v and abs(v) != float("inf")}
