"""Waits for calls that may take minutes, and still hears Ctrl-C and that the process is told to end."""

from __future__ import annotations

import signal
import sys
import threading
import time
from typing import Any, Callable, Optional

from .sigterm import Sigterm


#: Seconds between two looks at what the library has to say while it is waited for.
BETWEEN_LINES = 1.0


class Call:
    """A call that goes on in a thread of its own, whoever waits for it."""

    def __init__(self, name: str, call: Callable[[], Any]) -> None:
        self.name = name
        self._answer: Any = None
        self._error: Optional[BaseException] = None
        self._over = threading.Event()  # a join that Ctrl-C interrupts takes the thread for ended, in some versions of Python
        threading.Thread(target=self._run, args=(call,), daemon=True, name=f"ciuic-{name}").start()

    def is_over(self) -> bool:
        """Whether it has answered, or failed."""
        return self._over.is_set()

    def wait(self, seconds: Optional[float]) -> bool:
        """Waits at most so long."""
        return self._over.wait(seconds)

    def result(self) -> Any:
        """What it answered; raises what it raised."""
        if self._error is not None:
            raise self._error
        return self._answer

    def _run(self, call: Callable[[], Any]) -> None:
        try:
            self._answer = call()
        except BaseException as error:  # raised where it is waited for
            self._error = error
        finally:
            self._over.set()


class Patience:
    """
    One call at a time. Interrupted by Ctrl-C it goes on, and its answer is kept: who asks the same again joins it, and a lease that it is
    granted meanwhile is not lost.

    :param tell: says what is waited for, as long as it is.
    """

    def __init__(self, tell: Callable[[], None] = lambda: None) -> None:
        self._under_way: Optional[Call] = None
        self._tell = tell

    def ask(self, name: str, call: Callable[[], Any], sigterm: Sigterm, abandon: Callable[[], None]) -> Any:
        """
        Answers what ``call`` does, or raises it. Told to end meanwhile, the program ends with the code of SIGTERM, after ``abandon`` has seen
        to it that nobody closes what is in use.
        """
        if threading.current_thread() is not threading.main_thread():
            return call()
        if self._under_way is not None and self._under_way.name != name:
            self._until_over(self._under_way, sigterm, abandon)  # its answer is where it belongs
        if self._under_way is None or self._under_way.name != name:
            self._under_way = Call(name, call)
        asked = self._under_way
        self._until_over(asked, sigterm, abandon)
        self._under_way = None
        return asked.result()

    def settle(self, seconds: Optional[float] = None) -> bool:
        """Waits until nothing is under way; whether that is so."""
        under_way = self._under_way
        return under_way is None or under_way.wait(seconds)

    def _until_over(self, call: Call, sigterm: Sigterm, abandon: Callable[[], None]) -> None:
        told = time.monotonic()
        while not call.wait(0.1):
            if time.monotonic() - told > BETWEEN_LINES:
                self._tell()
                told = time.monotonic()
            if sigterm.requested:
                abandon()
                sys.exit(128 + signal.SIGTERM)
