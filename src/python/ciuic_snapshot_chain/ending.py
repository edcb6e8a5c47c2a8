"""The end of the process: what was saved last is waited for, whatever way the program ends that Python hears of."""

from __future__ import annotations

import atexit
import os
import sys
import threading
from multiprocessing import util
from typing import Callable, NoReturn

_watched: "dict[int, Callable[[], None]]" = {}
_threads: "list[threading.Thread]" = []

#: Seconds that work in the background is waited for besides.
_BACKGROUND = 120.0


def watch(end: Callable[[], None]) -> None:
    """
    Calls it once when this process ends: by its last line, by sys.exit, by an exception. ``os._exit`` and SIGKILL cannot be heard. Processes
    of multiprocessing end without atexit, and have an end of their own.
    """
    process = os.getpid()
    if process in _watched:
        return
    _watched.clear()
    _watched[process] = end
    atexit.register(_end, process)
    util.Finalize(None, _end, args=(process,), exitpriority=100)


def in_background(work: Callable[[], None]) -> None:
    """Does something that the end of the process waits for."""
    _threads[:] = [thread for thread in _threads if thread.is_alive()]
    thread = threading.Thread(target=work, daemon=True, name="ciuic-end")
    _threads.append(thread)
    thread.start()


def leave(code: int) -> NoReturn:
    """Ends the program, whichever thread says so."""
    if threading.current_thread() is threading.main_thread():
        sys.exit(code)
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (AttributeError, OSError, ValueError):
            pass  # there is none, it is closed, or nobody reads it
    os._exit(code)  # in no other way another thread ends a program


def _end(process: int) -> None:
    if os.getpid() != process:
        return
    end = _watched.pop(process, None)
    if end is None:
        return
    for thread in _threads:
        thread.join(_BACKGROUND)
    end()
