"""One save after the other, whatever thread it comes from."""

from __future__ import annotations

import logging
import math
from typing import Any, Callable, Mapping, Optional

from . import loaders, plain, rng
from .config import Config
from .errors import CiuicError, InvalidInput
from .handle import SaveHandle
from .opened import OpenedRun
from .origin import Loaded
from .ranks import Rules
from .state import State, check_labels

log = logging.getLogger("ciuic_snapshot_chain")

#: The label of a snapshot before which others were loaded, which may have been for an evaluation.
LOADED = "ciuic.loaded"


class Saving:
    """
    Saves of one chain.

    :param opened: the run; its lock is held from the first look at a state to the end of its copy.
    """

    def __init__(self, opened: OpenedRun, config: Config, is_last: Callable[[int], bool]) -> None:
        self._opened, self._config, self._is_last = opened, config, is_last

    def save(self, state: State, step: Optional[int], labels: Mapping[str, str], generators: Any, rules: Rules) -> SaveHandle:
        """
        Copies a state aside.

        :param rules: what several ranks have alike, and what not.
        :param generators: what the random generators were, where that is not what they are now.
        """
        kept = check_labels(labels)
        said = state.step() if step is None else plain.whole(step, "step")
        packed = state.pack()
        if self._config.save_rng:
            packed[rng.ITEM] = rng.capture() if generators is None else generators
            if self._config.follow_loaders:
                passes = loaders.FOLLOWER.under_way()
                if passes:
                    packed[loaders.ITEM] = loaders.pack(passes)
        self._opened.patience.settle()  # with a state in hand that is to be saved, SIGTERM does not end the opening
        with self._opened.lock:
            now = self._opened.step + 1 if said is None else said
            if self._is_last(now):
                self._wait_for_room()
            return self._save(state, packed, now, kept, rules)

    def _save(self, state: State, packed: Any, step: int, labels: dict[str, str], rules: Rules) -> SaveHandle:
        opened = self._opened
        plain.whole(step, "step")
        count = {"epoch": state.count("epoch"), "next_sample": state.count("batch_idx", 1)}
        metrics = {name: _number(value) for name, value in state.metrics().items()}
        run = opened.open()
        labels = self._settle_origin(run, labels)
        items, held = opened.staging.place(packed, rules)
        opened.saves += 1
        answer = opened.library.call("save", run=run, step=step, metrics=metrics, labels=labels, items=items, **count)
        del held  # until here its memory was read
        handle = SaveHandle(opened.library, answer["save"], step, answer["stall_seconds"], answer["bytes"])
        opened.add(handle)
        opened.step = step
        opened.origin.saved()
        loaders.FOLLOWER.disarm()
        for error in answer["earlier_errors"]:
            log.error("An earlier save failed: %s", error)
        return handle

    def _settle_origin(self, run: int, labels: dict[str, str]) -> dict[str, str]:
        """A snapshot's parent is what its state was loaded from: the head is moved there, or the save is refused."""
        opened = self._opened
        if not opened.is_resumed:
            self._look_at_what_is_there(run)
        back, others = opened.origin.decide()
        if back is not None:
            self._go_back(run, back)
        if others:
            names = ", ".join(f"#{sequence}" for sequence in others)
            log.warning(
                "Run %s: %s was loaded since the last save; if training goes on from it, say chain.go_on_from(snapshot). The label %s of this "
                "save tells of it.", opened.run, names, LOADED,
            )
            labels = {**labels, LOADED: names}
        return labels

    def _look_at_what_is_there(self, run: int) -> None:
        answer = self._opened.library.call("resume", id=run)
        said = answer["snapshot"]
        if said is not None and not self._opened.origin.has_loaded():
            raise InvalidInput(
                f"Run {self._opened.run} has snapshots, the newest #{said['sequence']} of step {said['step']}, and this program has looked at none of "
                "them: what it trains from scratch would be taken for what comes after that. Call get_latest_snapshot() and load what it returns, "
                'before the loop; to begin anew, give the run another name, or set "settings": {"Ciuic:Client:Resume": "Never"}.'
            )
        self._opened.is_resumed = True
        if said is not None:
            self._opened.origin.found(said["sequence"])

    def _go_back(self, run: int, back: Loaded) -> None:
        why = back.reason or f"training goes on from step {back.step} (#{back.sequence}), which the program has loaded"
        log.warning("Run %s: %s; its head is moved there, and the ledger says so.", self._opened.run, why)
        self._opened.library.call("continue_from", run=run, sequence=back.sequence, manifest=back.manifest, reason=why)
        self._opened.origin.moved(back)

    def _wait_for_room(self) -> None:
        """The last save must not be left out because the one before is still being sent."""
        for before in self._opened.unfinished():
            try:
                before.wait(self._config.sigterm_deadline)
            except CiuicError as error:
                log.error("Step %d was not saved: %s", before.step, error)


def _number(value: float) -> Any:
    """JSON has no other name for them."""
    if math.isnan(value):
        return "NaN"
    return value if math.isfinite(value) else "Infinity" if value > 0 else "-Infinity"
