"""Waits for calls that may take minutes, and still hears that the process is told to end."""

from __future__ import annotations

import signal
import sys
import threading
from typing import Any, Callable

from .sigterm import Sigterm


def patiently(call: Callable[[], Any], sigterm: Sigterm, abandon: Callable[[], None]) -> Any:
    """
    Answers what ``call`` does, or raises it. Told to end meanwhile, the program ends with the code of SIGTERM, after ``abandon`` has
    seen to it that nobody closes what is in use.
    """
    if threading.current_thread() is not threading.main_thread():
        return call()
    answers: list[Any] = []

    def run() -> None:
        try:
            answers.append(call())
        except BaseException as error:  # raised where it is waited for
            answers.append(error)

    calling = threading.Thread(target=run, daemon=True)
    calling.start()
    while calling.is_alive():
        calling.join(0.1)
        if sigterm.requested and not answers:
            abandon()
            sys.exit(128 + signal.SIGTERM)
    if isinstance(answers[0], BaseException):
        raise answers[0]
    return answers[0]
