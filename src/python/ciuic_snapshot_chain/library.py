"""The native library: hashing, packing and transfer are the same code as in C#."""

from __future__ import annotations

import ctypes
import json
import logging
import os
import sys
import threading
import weakref
from pathlib import Path
from typing import Any, Optional

from .errors import BY_KIND, CiuicError, LibraryMissing, UnsupportedValue

VERSION = 2
MAX_BODY = 1 << 30
BUILD = "dotnet publish src/Ciuic.Native -c Release"

log = logging.getLogger("ciuic_snapshot_chain")


class Library:
    """Calls methods of the library. A call releases the GIL until it returns."""

    _shared: Optional["Library"] = None
    _lock = threading.Lock()

    def __init__(self, path: Path) -> None:
        try:
            self._lib = ctypes.CDLL(str(path))
        except OSError as error:
            raise LibraryMissing(f"{path} cannot be loaded: {error}. '{BUILD}' in the repository builds it.") from error
        try:
            self._declare()
        except AttributeError as error:
            raise LibraryMissing(f"{path} is another library: {error}. '{BUILD}' in the repository builds ours.") from error
        version = self._lib.ciuic_version()
        if version != VERSION:
            raise LibraryMissing(f"{path} speaks version {version}, this package {VERSION}: '{BUILD}' builds the one for it.")
        self._process = os.getpid()

    def _declare(self) -> None:
        self._lib.ciuic_call.argtypes = [
            ctypes.c_char_p,
            ctypes.c_char_p,
            ctypes.c_int,
            ctypes.POINTER(ctypes.c_void_p),
            ctypes.POINTER(ctypes.c_int),
        ]
        self._lib.ciuic_free.argtypes = [ctypes.c_void_p]
        self._lib.ciuic_free.restype = None
        self._lib.ciuic_version.restype = ctypes.c_int

    @classmethod
    def shared(cls) -> "Library":
        """The library, loaded once."""
        with cls._lock:
            if cls._shared is None:
                cls._shared = cls(find())
            return cls._shared

    def call(self, method: str, **arguments: Any) -> Any:
        """Calls a method with named arguments."""
        if os.getpid() != self._process:
            raise CiuicError(
                "This process was forked from one that had opened snapshots, and only that one may use them: start others with "
                "multiprocessing.get_context('spawn'), or open chains only after the fork."
            )
        body = json.dumps(arguments, allow_nan=False).encode()
        if len(body) >= MAX_BODY:
            raise UnsupportedValue(f"{len(body)} bytes of plain values: keep large ones in tensors or arrays.")
        answer, length = ctypes.c_void_p(), ctypes.c_int()
        code = self._lib.ciuic_call(method.encode(), body, len(body), ctypes.byref(answer), ctypes.byref(length))
        try:
            text = ctypes.string_at(answer.value or 0, length.value)
        finally:
            self._lib.ciuic_free(answer)
        reply = json.loads(text)
        if method != "log":
            self.drain()
        if code != 0:
            raise BY_KIND.get(reply["kind"], CiuicError)(reply["detail"])
        return reply

    def closing(self, owner: Any, handle: int) -> "weakref.finalize":
        """Closes what the library has opened when its owner is gone, or when it is called."""
        finalizer = weakref.finalize(owner, self.close, handle)
        finalizer.atexit = False  # the process ends
        return finalizer

    def close(self, handle: int) -> None:
        """Closes what was opened; in a forked process, where it is not ours, nothing happens."""
        if os.getpid() == self._process:
            self.call("close", id=handle)

    def drain(self) -> None:
        """Hands warnings to Python's log."""
        for line in self.call("log")["lines"]:
            log.log(logging.getLevelName(line["level"].upper()) if line["level"] != "critical" else logging.CRITICAL, line["text"])


def find() -> Path:
    """Where the library is: CIUIC_NATIVE_LIBRARY, or beside this package."""
    named = os.environ.get("CIUIC_NATIVE_LIBRARY")
    if named:
        return Path(named)
    suffix = {"darwin": ".dylib", "win32": ".dll"}.get(sys.platform, ".so")
    path = Path(__file__).parent / "native" / f"Ciuic.Native{suffix}"
    if not path.exists():
        raise LibraryMissing(f"The native library is not at {path}. '{BUILD}' in the repository builds it and puts it there.")
    return path
