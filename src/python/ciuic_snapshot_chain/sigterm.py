"""SIGTERM: the next save is the last one, and is waited for."""

from __future__ import annotations

import mmap
import multiprocessing
import os
import signal
import sys
import tempfile
import threading
import time
import weakref
from types import FrameType
from typing import Any, Optional

#: What forked workers read of their trainer: whether it was told to end, and whether it has done with it.
_RUNNING, _ENDING, _OVER = 0, 1, 2

#: Tells processes that are started anew, and not forked, which trainer they belong to, and where its state is.
_VARIABLE = "CIUIC_TRAINER"

#: Seconds that a loader's worker waits to see that its trainer was told, too: it may be in a call that takes long.
PATIENCE = 10.0

#: Seconds within which a further SIGTERM is the same one: launchers pass on what the whole job was told already.
REPEATS = 5.0


class Sigterm:
    """
    Remembers that the process was told to end; another SIGTERM, more than :data:`REPEATS` seconds later, ends it as it would have been ended
    without us.
    """

    _all: "weakref.WeakSet[Sigterm]" = weakref.WeakSet()

    @classmethod
    def close_all(cls) -> None:
        """The process ends, and so may its workers."""
        for one in list(cls._all):
            one.close()

    def __init__(self, enabled: bool) -> None:
        Sigterm._all.add(self)
        self.requested = False
        self._process = os.getpid()
        self._before: Any = None
        self._state: Any = None
        self._file: Any = None
        self._is_guard = False
        self._is_closed = False
        self._asked_at = 0.0
        self._installed = enabled and threading.current_thread() is threading.main_thread()
        if self._installed:
            self._state = self._share_state()
            self._before = signal.signal(signal.SIGTERM, self._handle)
            _guard_workers()

    @classmethod
    def of_trainer(cls, process: int, state: Any) -> "Sigterm":
        """In a worker: what its trainer, which is another process, has of it."""
        one = cls(enabled=False)
        one._process, one._state, one._is_guard = process, state, True
        one._before = signal.signal(signal.SIGTERM, one._handle)
        _guard_workers()
        return one

    def _share_state(self) -> Any:
        """A byte that is shared with what is forked from here on, and, through a file, with workers that are started anew."""
        try:
            self._file = tempfile.NamedTemporaryFile(prefix="ciuic-trainer-")
            self._file.write(b"\0")
            self._file.flush()
            state = mmap.mmap(self._file.fileno(), 1)
        except OSError:
            return mmap.mmap(-1, 1)
        os.environ[_VARIABLE] = f"{self._process}:{self._file.name}"
        return state

    def close(self) -> None:
        """Puts the handler before this one back; workers end as they would without us."""
        if os.getpid() != self._process:
            return
        in_main = threading.current_thread() is threading.main_thread()  # only there a handler can be changed
        if self._installed and in_main and signal.getsignal(signal.SIGTERM) == self._handle:
            before = self._former()
            signal.signal(signal.SIGTERM, before if before is not None else signal.SIG_DFL)
        if self._installed:
            self._state[0] = _OVER
        if self._file is not None and not self._file.closed:
            self._file.close()  # whoever has it open goes on seeing the state
            if os.environ.get(_VARIABLE, "").endswith(self._file.name):
                del os.environ[_VARIABLE]
        self._installed, self._is_closed = False, True

    def pass_on(self) -> None:
        """Ends the process as it would have been ended without us; where it is not, what was there before decides from now on."""
        self.close()
        self.requested = False
        before = self._former()
        if not callable(before) and before != signal.SIG_IGN:
            signal.raise_signal(signal.SIGTERM)

    def _former(self) -> Any:
        """What was there before us. One of ours that was closed beneath this one, and so could not be taken away, is passed over."""
        before = self._before
        while isinstance(getattr(before, "__self__", None), Sigterm) and before.__self__._is_closed:
            before = before.__self__._before
        return before

    def _handle(self, number: int, frame: Optional[FrameType]) -> None:
        if os.getpid() != self._process:
            self._handle_in_a_child()
            return
        before = self._former()
        if self._is_closed:
            # It could not be taken away, or one that was put over it put it back: what was there before decides.
            if callable(before):
                before(number, frame)
            elif before != signal.SIG_IGN:
                self._die()
            return
        self._state[0] = _ENDING
        again, self.requested = self.requested and time.monotonic() - self._asked_at > REPEATS, True
        if not again:
            self._asked_at = time.monotonic()
        if callable(before):
            before(number, frame)
        elif again and before != signal.SIG_IGN:
            self._die()

    def _die(self) -> None:
        self._state[0] = _OVER
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.raise_signal(signal.SIGTERM)

    def _handle_in_a_child(self) -> None:
        """
        Something that was forked ends as if we were not there. But where the whole job is told to end, a worker of a DataLoader stays until
        its trainer has saved: torch would raise in the trainer that a worker was killed, before the save. It ends with its parent.
        """
        # A server of forks, which is no child of multiprocessing itself, ends with its trainer by itself.
        if _is_worker() or (self._is_guard and multiprocessing.parent_process() is None):
            end = time.monotonic() + PATIENCE
            while time.monotonic() < end and _is_there(self._process) and self._state[0] != _OVER:
                if self._state[0] == _ENDING:
                    return
                time.sleep(0.02)
            os._exit(0)  # as torch's workers do when their trainer ends them: with another code torch raises in the trainer
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGTERM)


def _is_worker() -> bool:
    data = sys.modules.get("torch.utils.data")
    return data is not None and data.get_worker_info() is not None


def _is_there(process: int) -> bool:
    try:
        os.kill(process, 0)
    except OSError:
        return False
    return os.getppid() != 1


def guard_this_process() -> None:
    """Called when the package is imported: in a worker that multiprocessing has started anew, and in its server of forks."""
    process, _, path = os.environ.get(_VARIABLE, "").partition(":")
    if not path or not getattr(multiprocessing.current_process(), "_inheriting", False):
        return
    if threading.current_thread() is not threading.main_thread():
        return
    try:
        import torch.utils.data  # noqa: F401  the worker needs it anyway

        with open(path, "rb") as file:
            state = mmap.mmap(file.fileno(), 1, prot=mmap.PROT_READ)
        Sigterm.of_trainer(int(process), state)
    except (OSError, ValueError, ImportError, AttributeError):
        return  # it ends at SIGTERM as if we were not there


def _guard_workers() -> None:
    """A DataLoader's worker takes SIGTERM for itself when it begins; ours is put back behind that."""
    handling = sys.modules.get("torch.utils.data._utils.signal_handling")
    if handling is None or getattr(handling._set_worker_signal_handlers, "_ciuic", False):
        return
    install = handling._set_worker_signal_handlers

    def _set_worker_signal_handlers(*arguments: Any) -> None:
        ours = signal.getsignal(signal.SIGTERM)
        install(*arguments)
        if isinstance(getattr(ours, "__self__", None), Sigterm):
            signal.signal(signal.SIGTERM, ours)

    _set_worker_signal_handlers._ciuic = True  # type: ignore[attr-defined]
    handling._set_worker_signal_handlers = _set_worker_signal_handlers
