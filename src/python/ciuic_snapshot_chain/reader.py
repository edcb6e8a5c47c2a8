"""Reads snapshots of a run: which there are, and what is in them."""

from __future__ import annotations

import base64
from collections import OrderedDict
from typing import Any, Callable, Mapping, Union

from . import loaders, memory, optimizer, plain, rng, tree
from .errors import NotFound
from .opened import OpenedRun
from .snapshot import Snapshot
from .state import ALIASES, PROGRESS

Reference = Union[str, int, Snapshot]


class Reader:
    """
    The snapshots of one run.

    :param opened: the run, whose saves overwrite the staging memory in which the snapshot lies that was resumed from.
    """

    def __init__(self, opened: OpenedRun) -> None:
        self._library, self._opened, self._run = opened.library, opened, opened.run

    def find(self, reference: Reference) -> Snapshot:
        """A snapshot by its reference; nothing of it is read yet."""
        return self.open(self._library.call("read", chain=self._opened.connection(), run=self._run, reference=text_of(reference), parts=[]))

    def committed(self) -> list[Snapshot]:
        """All committed snapshots, newest first, without what is in them."""
        listed = self._library.call("list", chain=self._opened.connection(), run=self._run)["snapshots"]
        return [listed_snapshot(said) for said in listed]

    def open(self, answer: Mapping[str, Any]) -> Snapshot:
        """What the library has opened, as a snapshot with the plain values that were saved with it."""
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

    def open_staged(self, answer: Mapping[str, Any]) -> Snapshot:
        """The same for one that was read into the staging memory: good until the next save."""
        snapshot = self.open(answer)
        snapshot._saves = self._opened.saves
        return snapshot

    def load(self, snapshot: Snapshot, item: str) -> Any:
        """An item as it was saved, its tensors on the CPU."""
        item = ALIASES.get(item, item)
        tensors, saved = self.tensors(snapshot, item), self._item(snapshot, item)
        if tree.TREE not in saved["bytes"] and optimizer.VALUES in saved["bytes"]:
            return optimizer.read(self._bytes(snapshot, item, optimizer.VALUES), list(tensors), tensors.__getitem__)
        text, versions = (
            self._bytes(snapshot, item, name) if name in saved["bytes"] else None for name in (tree.TREE, tree.METADATA)
        )
        return tree.unpack(list(tensors), text, tensors.__getitem__, versions, lambda name: self._bytes(snapshot, item, name))

    def tensors(self, snapshot: Snapshot, item: str) -> "OrderedDict[str, Any]":
        """An item's tensors by name, in new memory."""
        item = ALIASES.get(item, item)
        saved = self._item(snapshot, item)
        tensors = OrderedDict((t["name"], memory.empty(t["dtype"], t["shape"])) for t in saved["tensors"])
        targets = [
            {"item": item, "name": name, "address": tensor.data_ptr(), "length": tensor.numel() * tensor.element_size()}
            for name, tensor in tensors.items()
        ]
        if targets:
            self._library.call("copy", source=snapshot._source, targets=targets)
        return tensors

    def generators(self, snapshot: Snapshot) -> Callable[[], None]:
        """Puts random generators back as the snapshot has them, whenever it is called; does nothing where it has none."""
        if rng.ITEM not in snapshot._items:
            return lambda: None
        saved = self._item(snapshot, rng.ITEM)
        state = self.load(snapshot, rng.ITEM) if tree.TREE in saved["bytes"] else None
        cpu = self._bytes(snapshot, rng.ITEM, rng.CPU) if rng.CPU in saved["bytes"] else None
        return lambda: rng.restore(state, cpu)

    def epochs(self, snapshot: Snapshot) -> list[dict[str, Any]]:
        """Passes over loaders that were under way when it was saved."""
        return list(self.load(snapshot, loaders.ITEM)) if loaders.ITEM in snapshot._items else []

    def check(self, snapshot: Snapshot) -> None:
        """Reads every byte of it."""
        self._library.call("check", id=snapshot._source)

    def _item(self, snapshot: Snapshot, item: str) -> Mapping[str, Any]:
        if snapshot._saves is not None and snapshot._saves != self._opened.saves:
            again = self.find(int(snapshot["sequence"]))
            snapshot._source, snapshot._items, snapshot._saves, snapshot._again = again._source, again._items, None, again
        if item not in snapshot._items:
            raise NotFound(f"{snapshot!r} has no '{item}'; it has {', '.join(snapshot._items) or 'nothing loaded: use get_snapshot'}.")
        return snapshot._items[item]

    def _bytes(self, snapshot: Snapshot, item: str, name: str) -> bytes:
        return base64.b64decode(self._library.call("bytes", source=snapshot._source, item=item, name=name)["bytes"])


def text_of(reference: Reference) -> str:
    """A reference as the library takes it: a number is a sequence, and a snapshot is itself."""
    if isinstance(reference, Snapshot):
        return f"#{reference['sequence']}"
    if isinstance(reference, str):
        return reference
    return f"#{plain.whole(reference, 'a reference')}"


def listed_snapshot(said: Mapping[str, Any]) -> Snapshot:
    """What a list says of a snapshot; nothing can be loaded from it."""
    return Snapshot(_summary(said), 0, {})


def _summary(said: Mapping[str, Any]) -> dict[str, Any]:
    summary = dict(said)
    summary["timestamp"] = summary.pop("created_at") or ""
    summary["metrics"] = {name: float(value) for name, value in summary["metrics"].items()}  # "NaN" is how JSON says it
    return summary
