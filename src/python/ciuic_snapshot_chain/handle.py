"""A save on its way."""

from __future__ import annotations

import time
import weakref
from typing import Any, Optional

from .errors import CiuicError
from .library import Library


class SaveHandle:
    """
    The state is copied aside already (``staged``): training may go on. It counts once ``result()`` returns: every byte was read back
    and the digest stands in the ledger. Errors surface here, in the log, and with the next save.
    """

    def __init__(self, library: Library, save: int, step: int, stall: float, size: int) -> None:
        self._library, self._save = library, save
        SaveHandle.known[save] = self
        self._failure: Optional[CiuicError] = None
        self.step, self.stall_seconds, self.bytes = step, stall, size
        self._answer: Optional[dict[str, Any]] = None
        self._closing = library.closing(self, save)

    staged = True

    #: Those that somebody holds, by the library's numbers.
    known: "weakref.WeakValueDictionary[int, SaveHandle]" = weakref.WeakValueDictionary()

    @property
    def number(self) -> int:
        """The library's, in the order of the saves."""
        return self._save

    def is_over(self) -> bool:
        """Whether it is committed or has failed."""
        try:
            return self.wait(0)
        except CiuicError:
            return True

    def done(self) -> bool:
        """Whether it is committed; raises what went wrong where it failed."""
        return self.wait(0)

    def wait(self, timeout: Optional[float] = None) -> bool:
        """Waits until it is committed, at most so many seconds; False where it is not yet. Raises what went wrong."""
        end = None if timeout is None else time.monotonic() + timeout
        while self._answer is None:
            left = 1.0 if end is None else min(1.0, max(0.0, end - time.monotonic()))  # so that Ctrl-C comes through
            if self._failure is not None:
                raise self._failure
            try:
                answer = self._library.call("wait", save=self._save, seconds=left)
            except CiuicError as error:
                self._failure = error  # said again to whoever asks again
                self._closing()
                raise
            if answer["state"] == "committed":
                self._answer = answer
                self._closing()
            elif end is not None and time.monotonic() >= end:
                return False
        return True

    def result(self, timeout: Optional[float] = None) -> dict[str, Any]:
        """Sequence and manifest digest, once it is committed. TimeoutError where it is not in time."""
        begin = time.monotonic()
        if not self.wait(timeout):
            raise TimeoutError(f"Step {self.step} is not committed yet; it was waited for for {time.monotonic() - begin:.1f} s.")
        assert self._answer is not None
        return {"sequence": self._answer["sequence"], "manifest": self._answer["manifest"], "step": self.step}

    def __repr__(self) -> str:
        try:
            how = f"committed as #{self._answer['sequence']}" if self.wait(0) and self._answer else "on its way"
        except CiuicError as error:
            how = f"not committed: {error}"
        return f"<SaveHandle step {self.step}, {self.bytes} bytes, {how}>"
