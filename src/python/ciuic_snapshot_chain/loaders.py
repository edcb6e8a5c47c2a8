"""
Where training is in its data. The order of an epoch is drawn from random generators when the loader's iterator is made; a snapshot in the
middle of an epoch keeps their state at that moment, and how many batches were taken since. After a resume the same loader draws the same order
again, and once those batches have been taken again the generators are put back as they were when the snapshot was saved.
"""

from __future__ import annotations

import os
import random
import sys
import weakref
from typing import Any, Callable, Iterator, Optional

from . import plain, tree

ITEM = "loaders"


class Epoch:
    """One pass over a loader."""

    def __init__(self, loader: Any, signature: list[Any]) -> None:
        self.loader, self.signature = loader, signature
        self.generators = _capture(loader)
        self.taken, self.is_over = 0, False
        self.skip = 0
        self._reached: Optional[Callable[[], None]] = None

    def repeat(self, saved: dict[str, Any], reached: Callable[[], None]) -> None:
        """It begins as a saved one did."""
        _restore(self.loader, saved["generators"])
        self.generators, self.skip, self._reached = saved["generators"], saved["taken"], reached

    def before_next(self) -> None:
        """Another batch is asked for; once as many are taken as when the snapshot was saved, training goes on."""
        if self._reached is not None and self.taken >= self.skip:
            reached, self._reached = self._reached, None
            reached()

    @property
    def is_on_its_way(self) -> bool:
        """Whether batches are being taken again, and not all of them were."""
        return self._reached is not None and 0 < self.taken < self.skip

    def describe(self) -> dict[str, Any]:
        return {"loader": self.signature, "taken": self.taken, "generators": self.generators}


class Follower:
    """The passes over loaders that are under way in this process."""

    def __init__(self) -> None:
        self._epochs: list["weakref.ref[Epoch]"] = []
        self._saved: list[dict[str, Any]] = []
        self._then: Optional[Callable[[], None]] = None
        self._process = os.getpid()
        self._users = 0
        self.passes = 0

    @property
    def is_on(self) -> bool:
        return self._users > 0 and os.getpid() == self._process

    def use(self) -> None:
        """Follows torch's DataLoaders from now on."""
        if os.getpid() != self._process:
            self.__init__()  # type: ignore[misc]
        self._users += 1
        _patch()

    @staticmethod
    def use_patch() -> None:
        """Where torch was imported since."""
        _patch()

    def leave(self) -> None:
        """One user less."""
        self._users = max(0, self._users - 1)

    def arm(self, saved: list[dict[str, Any]], then: Callable[[], None]) -> None:
        """
        The next pass over each of these loaders repeats the saved one.

        :param then: puts the generators back as they were when the snapshot was saved.
        """
        self._saved, self._then = list(saved), then
        self._epochs = []

    def disarm(self) -> None:
        """Training has gone on: a pass that begins now is a new one."""
        self._saved, self._then = [], None

    def begin(self, loader: Any) -> Epoch:
        """A pass begins: its order is about to be drawn."""
        self.passes += 1
        epoch = Epoch(loader, signature_of(loader))
        for saved in self._saved:
            if saved["loader"] == epoch.signature:
                self._saved.remove(saved)
                epoch.repeat(saved, self._go_on)
                break
        self._epochs = [e for e in self._epochs if e() is not None and not e().is_over]  # type: ignore[union-attr]
        self._epochs.append(weakref.ref(epoch))
        return epoch

    def _go_on(self) -> None:
        """Once, with the last of several loaders that are passed over: what the others draw until then must not count."""
        alive = [reference() for reference in self._epochs]
        if self._then is None or any(epoch is not None and epoch.is_on_its_way for epoch in alive):
            return
        then, self._then = self._then, None
        then()

    def under_way(self) -> list[dict[str, Any]]:
        """What a snapshot keeps."""
        alive = [reference() for reference in self._epochs]
        return [epoch.describe() for epoch in alive if epoch is not None and not epoch.is_over and epoch.taken > 0]


FOLLOWER = Follower()


def batches(loader: Any) -> Iterator[tuple[int, Any]]:
    """Batches of any loader with their numbers; those that were taken before the snapshot that was resumed from are passed over."""
    iterator = iter(loader)
    epoch = getattr(iterator, "__dict__", {}).get("_ciuic_epoch")
    if epoch is not None:
        yield from _numbered(iterator, epoch)
        return
    if not FOLLOWER.is_on:
        yield from enumerate(iterator)
        return
    del iterator
    epoch = FOLLOWER.begin(loader)
    iterator = iter(loader)
    try:
        while True:
            epoch.before_next()
            try:
                batch = next(iterator)
            except StopIteration:
                return
            epoch.taken += 1
            if epoch.taken > epoch.skip:
                yield epoch.taken - 1, batch
    finally:
        epoch.is_over = True


def signature_of(loader: Any) -> list[Any]:
    """What tells loaders apart from one start to the next; none of it is taken from its data."""
    dataset = getattr(loader, "dataset", loader)
    said = [type(loader).__qualname__, type(dataset).__qualname__, _length(dataset)]
    said += [plain.unwrapped(getattr(loader, name, None)) for name in ("batch_size", "num_workers", "drop_last")]
    said.append(type(getattr(loader, "sampler", None)).__qualname__)
    return [part if isinstance(part, (int, str, bool)) or part is None else str(part) for part in said]


def pack(saved: list[dict[str, Any]]) -> tree.Packed:
    """The item of a snapshot."""
    packed = tree.Packed()
    packed.bytes[tree.TREE] = tree.to_json(tree.node(ITEM, saved))
    return packed


def _numbered(iterator: Any, epoch: Epoch) -> Iterator[tuple[int, Any]]:
    for number, batch in enumerate(iterator):
        if number >= epoch.skip:
            yield number, batch


def _length(dataset: Any) -> Optional[int]:
    try:
        return len(dataset)
    except (TypeError, NotImplementedError, AttributeError):
        return None


def _own_generator(loader: Any) -> Any:
    sampler = getattr(loader, "sampler", None)
    return getattr(loader, "generator", None) or getattr(sampler, "generator", None)


def _capture(loader: Any) -> dict[str, Any]:
    states: dict[str, Any] = {"python": random.getstate()}
    numpy, torch = sys.modules.get("numpy"), sys.modules.get("torch")
    if numpy is not None:
        kind, keys, *rest = numpy.random.get_state()
        states["numpy"] = (kind, keys.tobytes(), *rest)
    if torch is not None:
        states["torch"] = bytes(torch.get_rng_state().numpy())
        own = _own_generator(loader)
        if own is not None:
            states["own"] = bytes(own.get_state().cpu().numpy())
    return states


def _restore(loader: Any, states: dict[str, Any]) -> None:
    random.setstate(states["python"])
    numpy, torch = sys.modules.get("numpy"), sys.modules.get("torch")
    if numpy is not None and "numpy" in states:
        kind, keys, *rest = states["numpy"]
        numpy.random.set_state((kind, numpy.frombuffer(keys, dtype="u4"), *rest))
    if torch is None:
        return
    if "torch" in states:
        torch.set_rng_state(torch.frombuffer(bytearray(states["torch"]), dtype=torch.uint8))
    own = _own_generator(loader)
    if own is not None and "own" in states:
        own.set_state(torch.frombuffer(bytearray(states["own"]), dtype=torch.uint8))


def _patch() -> None:
    """Once: torch tells nobody that a pass begins, or that a batch is taken."""
    data = sys.modules.get("torch.utils.data.dataloader")
    if data is None or getattr(data.DataLoader.__iter__, "_ciuic", False):
        return
    make, take = data.DataLoader.__iter__, data._BaseDataLoaderIter.__next__

    def __iter__(self: Any) -> Any:
        # Libraries that bring loaders of their own, and skip by themselves, are left alone.
        if type(self) is not data.DataLoader or not FOLLOWER.is_on:
            return make(self)
        epoch = FOLLOWER.begin(self)
        iterator = make(self)
        iterator._ciuic_epoch = epoch
        return iterator

    def __next__(self: Any) -> Any:
        epoch = self.__dict__.get("_ciuic_epoch")
        if epoch is None:
            return take(self)
        epoch.before_next()
        try:
            batch = take(self)
        except StopIteration:
            epoch.is_over = True
            raise
        epoch.taken += 1
        return batch

    __iter__._ciuic = True  # type: ignore[attr-defined]
    data.DataLoader.__iter__, data._BaseDataLoaderIter.__next__ = __iter__, __next__
