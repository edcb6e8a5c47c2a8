"""SIGTERM: the next save is the last one, and is waited for."""

from __future__ import annotations

import os
import signal
import threading
from types import FrameType
from typing import Any, Optional


class Sigterm:
    """Remembers that the process was told to end; a second SIGTERM ends it as it would have been ended without us."""

    def __init__(self, enabled: bool) -> None:
        self.requested = False
        self._process = os.getpid()
        self._before: Any = None
        self._installed = enabled and threading.current_thread() is threading.main_thread()
        if self._installed:
            self._before = signal.signal(signal.SIGTERM, self._handle)

    def close(self) -> None:
        """Puts the handler before this one back."""
        if self._installed and signal.getsignal(signal.SIGTERM) == self._handle:
            signal.signal(signal.SIGTERM, self._before if self._before is not None else signal.SIG_DFL)
        self._installed = False

    def _handle(self, number: int, frame: Optional[FrameType]) -> None:
        if os.getpid() != self._process:
            # A worker that was forked: it ends as if we were not there.
            signal.signal(signal.SIGTERM, self._before if self._before is not None else signal.SIG_DFL)
            os.kill(os.getpid(), signal.SIGTERM)
            return
        again, self.requested = self.requested, True
        if callable(self._before):
            self._before(number, frame)
        elif again and self._before != signal.SIG_IGN:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            signal.raise_signal(signal.SIGTERM)
