"""What the state that is trained was loaded from: a snapshot's parent is that, and nothing else."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any, Optional

#: Whoever loads one of these goes on with training from it.
STRONG = "optimizer"


@dataclass(frozen=True)
class Loaded:
    """A snapshot of which something was loaded, and whether that says that training goes on from it."""

    sequence: int
    manifest: str
    step: int
    is_for_training: bool
    reason: str = ""


class Origin:
    """
    Decides what the next save goes on from. Before the first save that is the snapshot of which the optimizer was loaded last, or what
    ``get_latest_snapshot`` returned, or the last one that was loaded at all. Later it is a snapshot of which the optimizer was loaded; what else
    is loaded then may be meant for an evaluation, and a label tells of it.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loaded: list[Loaded] = []
        self.resumed: Optional[Loaded] = None
        self.current: Optional[int] = None
        self._has_saved = False

    def resume(self, sequence: Optional[int], manifest: str, step: int) -> None:
        """The head, or nothing, was handed out to go on from."""
        with self._lock:
            self.resumed = None if sequence is None else Loaded(sequence, manifest, step, True)
            self.current = sequence
            self._loaded, self._has_saved = [], False

    def load(self, snapshot: Any, item: str) -> None:
        """Something was loaded."""
        with self._lock:
            self._loaded.append(Loaded(snapshot["sequence"], snapshot["manifest"], snapshot["step"], item == STRONG))

    def go_on_from(self, snapshot: Any, reason: str = "") -> None:
        """The program says so itself."""
        with self._lock:
            self._loaded = [Loaded(snapshot["sequence"], snapshot["manifest"], snapshot["step"], True, reason)]

    def found(self, head: int) -> None:
        """The run's head, where nobody has asked for it before the first save."""
        with self._lock:
            self.current = head

    def has_loaded(self) -> bool:
        """Whether anything was."""
        return bool(self._loaded)

    def decide(self) -> "tuple[Optional[Loaded], list[int]]":
        """The snapshot to go back to before the next save, if any, and others that were loaded since the last one."""
        with self._lock:
            meant = [loaded for loaded in self._loaded if loaded.is_for_training]
            others = self._loaded
            if meant:
                chosen: Optional[Loaded] = meant[-1]
            elif self._has_saved or not others:
                chosen = None
            else:
                from_head = self.resumed is not None and any(o.sequence == self.resumed.sequence for o in others)
                chosen = None if from_head else others[-1]
            now = self.current if chosen is None else chosen.sequence
            seen = sorted({loaded.sequence for loaded in others if loaded.sequence != now})
            return (None if chosen is None or chosen.sequence == self.current else chosen), seen

    def moved(self, to: Optional[Loaded]) -> None:
        """The run's head is there now."""
        with self._lock:
            if to is not None:
                self.current = to.sequence

    def saved(self) -> None:
        """A save has begun: from here on training goes on from it."""
        with self._lock:
            self._loaded, self._has_saved, self.current = [], True, None
