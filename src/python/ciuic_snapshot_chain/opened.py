"""A run that this process trains, opened once however many chains in it name it."""

from __future__ import annotations

import logging
import os
import threading
import time
import weakref
from typing import Any, Mapping, Optional

from . import ending
from .errors import CiuicError, InvalidInput
from .handle import SaveHandle
from .library import Library
from .patience import Patience
from .origin import Origin
from .ranks import Ranks
from .sigterm import Sigterm
from .staging import Staging

log = logging.getLogger("ciuic_snapshot_chain")

#: Settings in which the chains of one run may differ without the run being another one.
_PLACES = ("Ciuic:Client:Endpoint", "Ciuic:Store:Uri")

#: Seconds after which a wait is told.
_SAYS_SO_AFTER = 0.5

#: Seconds that a run which is being closed takes at most where nothing hangs and nothing is to be kept on the disk, once its saves are not waited
#: for any more.
CLOSES_WITHIN = 30.0

#: The same where many GiB are kept on a slow disk: whoever ends the program waits for it.
KEEPS_WITHIN = 600.0


class OpenedRun:
    """
    What the chains of one run in this process share: the connection, the lease, the step, the saves on their way. Threads save one after the
    other: ``lock`` is held while a save is taken apart, named and copied.
    """

    #: Those that are not closed yet, also while they are being closed.
    _all: "list[OpenedRun]" = []
    _registry = threading.RLock()

    def __init__(self, library: Library, settings: Mapping[str, str], run: str, key: "tuple[str, ...]") -> None:
        self.library, self.settings, self.run, self._key = library, dict(settings), run, key
        self.process = os.getpid()
        self.chain: int = library.call("open", settings=dict(settings))["id"]
        self.handle: Optional[int] = None
        self.lock = threading.RLock()
        self.ranks = Ranks(settings, run)
        self.patience = Patience(library.drain)
        self.staging = Staging()
        self.origin = Origin()
        self.step = 0
        self.is_resumed = False
        self.saves = 0  # how often the staging memory was overwritten
        self._users = 0
        self._is_over = False
        self._over_by = 0.0
        self._gone = threading.Event()
        self._unfinished: list[SaveHandle] = []

    @classmethod
    def share(cls, library: Library, settings: Mapping[str, str], run: str) -> "OpenedRun":
        """The run as this process has it open already, or anew."""
        ending.watch(cls.end_all)
        key = (str(os.getpid()), run, *(settings[name] for name in _PLACES))
        with cls._registry:
            for known in list(cls._all):
                if known._key == key and known._join(settings):
                    known._say_what_differs(settings)
                    return known
            opened = OpenedRun(library, settings, run, key)
            opened._users = 1
            cls._all.append(opened)
            return opened

    # -- opening and closing -----------------------------------------------------------------------------------------

    def open(self) -> int:
        """Opens the run, once; the caller holds the lock, or is the call of :class:`Patience`."""
        if self.handle is None:
            self._wait_for_those_before()
            self.handle = int(self.library.call("open_run", chain=self.chain, run=self.run, **self.ranks.opening())["id"])
        return self.handle

    def token(self) -> Optional[int]:
        """The right under which all ranks of this attempt write; None as long as the run is not open."""
        return None if self.handle is None else self.library.call("status", id=self.handle)["token"]

    def connection(self) -> int:
        """The library's number of it."""
        if self._is_closed():
            raise InvalidInput(f"The chain of run {self.run} is closed: make another one.")
        return self.chain

    def abandon(self) -> None:
        """What is being read into is left alone until the process has ended."""
        self._is_over = True
        self._forget()

    def release(self, seconds: float) -> None:
        """One chain less. With the last one the run is given back, once its saves are committed or the time is over."""
        if self._leave(seconds):
            self._end(seconds)

    def release_later(self, seconds: float) -> None:
        """The same for a chain that was forgotten and is collected: nobody waits for that but who opens the run again."""
        if not self._leave(seconds):
            return
        if self.handle is None and self.patience.settle(0):
            self._end(0)
        else:
            ending.in_background(lambda: self._end(seconds))

    def end(self, seconds: float) -> None:
        """Waits for what is on its way, says so where that takes long, and gives the run back, or waits until another thread has done so."""
        if self._take_end(seconds):
            self._end(seconds)
        else:
            self._gone.wait(seconds + KEEPS_WITHIN)

    @classmethod
    def end_all(cls) -> None:
        """The process ends: nothing that was staged is lost without a word."""
        for opened in cls._of_this_process():
            opened.end(opened.at_the_end)
        Sigterm.close_all()

    @classmethod
    def any_open(cls) -> bool:
        """Whether this process trains any run; what is being closed by other threads is waited for: the program must not end over it."""
        for opened in cls._of_this_process():
            if opened._is_over:
                opened._gone.wait(KEEPS_WITHIN)
        return any(opened.handle is not None and not opened._is_over for opened in cls._of_this_process())

    at_the_end = 60.0

    #: What a program ends with that was told to: 1 where the last save of any of its runs failed.
    exit_code = 0

    # -- saves -------------------------------------------------------------------------------------------------------

    def add(self, handle: SaveHandle) -> None:
        """Takes note of a save that is on its way."""
        self._unfinished = [h for h in self._unfinished if not h.is_over()] + [handle]

    def unfinished(self) -> list[SaveHandle]:
        """Saves on their way, oldest first; those too whose answer an interrupt has swallowed."""
        with self.lock:  # a save that another thread is about to take is his
            return self._find_unfinished()

    def _find_unfinished(self) -> list[SaveHandle]:
        if self.handle is None or self._is_closed():
            return list(self._unfinished)
        known = {handle.number for handle in self._unfinished}
        for said in self.library.call("saves", id=self.handle)["saves"]:
            if said["save"] not in known and said["save"] not in SaveHandle.known:
                self._unfinished.append(SaveHandle(self.library, said["save"], said["step"], said["stall_seconds"], said["bytes"]))
        return sorted(self._unfinished, key=lambda handle: handle.number)

    def forget_finished(self) -> None:
        """They were waited for."""
        self._unfinished = [handle for handle in self._unfinished if not handle.is_over()]  # another thread may have saved meanwhile

    def settle(self, seconds: Optional[float]) -> bool:
        """Waits until no save is on its way, whatever becomes of it; whether that is so."""
        end = None if seconds is None else time.monotonic() + seconds
        for handle in self.unfinished():
            try:
                if not handle.wait(None if end is None else max(0.0, end - time.monotonic())):
                    return False
            except CiuicError as error:
                log.error("Run %s: step %d is not committed: %s", self.run, handle.step, error)
        return True

    # -- inside ------------------------------------------------------------------------------------------------------

    @classmethod
    def _of_this_process(cls) -> "list[OpenedRun]":
        return [opened for opened in list(cls._all) if opened.process == os.getpid()]

    def _is_closed(self) -> bool:
        return self.chain == 0

    def _join(self, settings: Mapping[str, str]) -> bool:
        """One chain more, unless the run is being closed, or is to be opened otherwise."""
        self._users += 1  # before anything else: a chain that is collected meanwhile must not be the last one
        if not self._is_over and (self.handle is not None or self.settings == dict(settings)):
            return True
        self.release_later(0)
        return False

    def _leave(self, seconds: float) -> bool:
        """One chain less; whether it was the last one, and its caller closes the run. From then on nobody joins."""
        with self._registry:
            self._users -= 1
            return self._users <= 0 and self._take_end(seconds)

    def _take_end(self, seconds: float) -> bool:
        """Whether the caller is the one who closes the run."""
        with self._registry:
            if self._is_over or os.getpid() != self.process:
                return False
            self._is_over, self._over_by = True, time.monotonic() + seconds + CLOSES_WITHIN
            return True

    def _wait_for_those_before(self) -> None:
        """The lease is this process's until the one who had the run before has given it back."""
        for before in self._of_this_process():
            if before._key == self._key and before._is_over and before is not self:
                before._gone.wait(max(0.0, before._over_by - time.monotonic()))

    def _end(self, seconds: float) -> None:
        try:
            self._wait(seconds)
        finally:
            try:
                self._close()
            finally:
                self._forget()

    def _forget(self) -> None:
        with self._registry:
            if self in self._all:
                self._all.remove(self)
        self._gone.set()

    def _wait(self, seconds: float) -> None:
        try:
            self.patience.settle(min(seconds, 5.0))
            if self.handle is None:
                return
            waiting = [handle for handle in self.unfinished() if not handle.is_over()]
            if not waiting or self.settle(min(seconds, _SAYS_SO_AFTER)):
                self.settle(0)
                return
            log.warning("Run %s: waiting up to %.0f s until step %d is committed.", self.run, seconds, waiting[-1].step)
            self.settle(max(0.0, seconds - _SAYS_SO_AFTER))
        except KeyboardInterrupt:
            log.warning("Run %s: interrupted; what is not committed yet is not waited for.", self.run)

    def _close(self) -> None:
        left = [handle for handle in self._unfinished if not handle.is_over()]
        if not self.patience.settle(0):
            # It cannot be closed under a call; the lease ends by itself.
            log.error("Run %s: a call is still under way; its lease ends by itself.", self.run)
            return
        for handle in (self.handle, self.chain):
            if handle:
                self.library.close(handle)
        self.chain = 0
        for save in left:
            self._tell(save)

    def _tell(self, save: SaveHandle) -> None:
        try:
            if not save.wait(0):
                log.error("Run %s: step %d IS NOT COMMITTED: the time to wait for it was over.", self.run, save.step)
        except CiuicError as error:
            log.error("Run %s: step %d: %s", self.run, save.step, error)

    def _say_what_differs(self, settings: Mapping[str, str]) -> None:
        names = sorted(name for name in {*settings, *self.settings} if settings.get(name) != self.settings.get(name))
        if names:
            log.warning(
                "Run %s is open in this process already, and stays as it was opened: %s differ. close() the chain before to change them.",
                self.run, ", ".join(names),
            )
