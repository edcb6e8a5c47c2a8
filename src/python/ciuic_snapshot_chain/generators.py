"""Random generators as a snapshot has them, for as long as nothing is trained from it."""

from __future__ import annotations

import weakref
from typing import Callable, Optional

from . import loaders
from .reader import Reader
from .snapshot import Snapshot


class Generators:
    """
    Puts generators back, and where training was in its data.

    :param follows: whether passes over loaders are followed.
    """

    def __init__(self, reader: Reader, follows: bool) -> None:
        self._reader, self._follows = reader, follows
        self._of: "Optional[weakref.ref[Snapshot]]" = None
        self._restore: Optional[Callable[[], None]] = None
        self._passes = 0

    def put_back(self, snapshot: Snapshot, follow: bool = True) -> None:
        """As they were when it was saved, and again by :meth:`put_back_again` until training begins."""
        restore = self._reader.generators(snapshot)
        restore()
        self._restore, self._of, self._passes = restore, weakref.ref(snapshot), loaders.FOLLOWER.passes
        if self._follows and follow:
            loaders.FOLLOWER.use_patch()
            loaders.FOLLOWER.arm(self._reader.epochs(snapshot), restore)

    def put_back_again(self, snapshot: Snapshot) -> None:
        """The same once more, where it is the one that training goes on from and no pass over a loader has begun since."""
        if self._restore is not None and loaders.FOLLOWER.passes == self._passes and self._of is not None and self._of() is snapshot:
            self._restore()

    def leave(self) -> None:
        """Training has begun: they go on by themselves."""
        self._restore = None
