"""
Lightning::

    trainer = Trainer(plugins=[CiuicCheckpointIO(CiuicSnapshotChain("ciuic_config.json"))], callbacks=[ModelCheckpoint(...)])
    trainer.fit(model, ckpt_path=io.latest())
"""

from __future__ import annotations

import importlib
import logging
from typing import Any, Mapping, Optional

from ..chain import CiuicSnapshotChain
from ..errors import NotFound
from ..handle import SaveHandle
from ..snapshot import Snapshot
from ._alone import find_labelled, require_alone, settle


def _bases() -> tuple[Any, ...]:
    """Lightning comes as two packages, and each wants a class of its own."""
    found = []
    for name in ("lightning.pytorch.plugins.io", "pytorch_lightning.plugins.io"):
        try:
            found.append(importlib.import_module(name).CheckpointIO)
        except ImportError:
            continue
    if not found:
        raise ImportError("ciuic_snapshot_chain.adapters.lightning needs lightning: pip install lightning")
    return tuple(found)


log = logging.getLogger("ciuic_snapshot_chain")
PATH = "lightning_path"

#: Seconds that a save waits for the one before it; then that one may be left out, and the log says so.
BETWEEN_SAVES = 30.0


class CiuicCheckpointIO(*_bases()):  # type: ignore[misc]
    """
    Saves what Lightning would write to files as snapshots of one run; the path is kept as a label, and finds the snapshot again. History is
    not removed: neither is what ModelCheckpoint wants removed.

    One process only: Lightning has one save for all.

    :param chain: where to save; closed by whoever made it.
    :param training: whether what is loaded is trained on; otherwise the run is left to whoever trains it.
    """

    def __init__(self, chain: CiuicSnapshotChain, training: bool = True) -> None:
        self._chain, self._training = chain, training
        self._last: Optional[SaveHandle] = None

    def latest(self) -> Optional[str]:
        """The path of the run's head, for ``Trainer.fit(ckpt_path=...)``; None where there is none. A rollback has moved it back."""
        head = self._head()
        if head is not None and PATH not in head["labels"]:
            raise NotFound(f"{head!r} was not saved by this adapter: it has no path, and Lightning cannot load it.")
        return None if head is None else str(head["labels"][PATH])

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None) -> None:
        require_alone()
        if self._last is not None:
            settle(self._last.wait, BETWEEN_SAVES)  # Lightning saves several in a row, and counts on each
        self._last = self._chain.save_snapshot(_plain(checkpoint), step=int(checkpoint.get("global_step", 0)), labels={PATH: str(path)})

    def load_checkpoint(self, path: Any, *args: Any, **options: Any) -> dict[str, Any]:
        require_alone()
        return self._chain.load_state(self._find(str(path)))

    def remove_checkpoint(self, path: Any) -> None:
        log.info("%s stays in the history of run %s: snapshots are not removed.", path, self._chain.run)

    def teardown(self) -> None:
        settle(self._chain.finish)

    def _find(self, path: str) -> Snapshot:
        head = self._head()
        if head is not None and head["labels"].get(PATH) == path:
            return head
        found = find_labelled(self._chain, PATH, path)
        if found is None:
            raise NotFound(f"Run {self._chain.run} has no checkpoint '{path}'.")
        if self._training:
            self._chain.go_on_from(found, f"Lightning goes on from {path}, #{found['sequence']}")
        return found

    def _head(self) -> Optional[Snapshot]:
        if self._training:
            return self._chain.get_latest_snapshot(follow=False)
        try:
            return self._chain.get_snapshot()
        except NotFound:
            return None


def _plain(value: Any) -> Any:
    """Lightning's dictionaries with attributes are dictionaries."""
    if isinstance(value, Mapping) and type(value).__module__.split(".")[0].startswith(("lightning", "pytorch_lightning")):
        value = dict(value)
    if type(value) is dict:
        return {key: _plain(part) for key, part in value.items()}
    if type(value) is list:
        return [_plain(part) for part in value]
    return value
