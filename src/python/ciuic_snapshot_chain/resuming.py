"""Opens a run and finds what it goes on from."""

from __future__ import annotations

import logging
import weakref
from typing import Any, Mapping, Optional

from . import gateway
from .config import Config
from .errors import InvalidInput, NotFound
from .opened import OpenedRun
from .reader import Reader
from .sigterm import Sigterm
from .snapshot import Snapshot

log = logging.getLogger("ciuic_snapshot_chain")


class Resuming:
    """
    Resumes the run of one chain, once.

    :param closing: what closes the chain; once it is not alive any more the chain is closed.
    """

    def __init__(self, opened: OpenedRun, config: Config, reader: Reader, sigterm: Sigterm, closing: "weakref.finalize[..., Any]") -> None:
        self._opened, self._config, self._reader, self._sigterm, self._closing = opened, config, reader, sigterm, closing
        #: Whether this chain has resumed it.
        self.is_over = False

    def require_open(self) -> None:
        """Refuses to go on with a chain that is closed."""
        if not self._closing.alive:
            raise InvalidInput(f"This chain of run {self._opened.run} is closed: make another one.")

    def open(self) -> int:
        """Opens the run; told to end meanwhile, the program ends: there is nothing yet to save."""
        self.require_open()
        if self._opened.handle is None:
            gateway.look(self._config.endpoint, self._config.connect_patience)
            self._patiently("open_run", self._open_alone)
        assert self._opened.handle is not None
        return self._opened.handle

    def resume(self) -> Optional[Snapshot]:
        """The newest snapshot of which every byte is right; None where there is none."""
        snapshot = self._resume_again() if self._opened.is_resumed else self._resume()
        self.is_over = True
        return snapshot

    def newest(self) -> Optional[Snapshot]:
        """The run's head; None where there is none."""
        try:
            return self._reader.find("latest")
        except NotFound:
            return None

    def _open_alone(self) -> int:
        with self._opened.lock:
            return self._opened.open()

    def _patiently(self, name: str, call: Any) -> Any:
        return self._opened.patience.ask(name, call, self._sigterm, self._abandon)

    def _abandon(self) -> None:
        """What is being read into is left alone until the process has ended."""
        self._closing.detach()
        self._opened.abandon()

    def _resume(self) -> Optional[Snapshot]:
        run = self.open()
        answer = self._patiently("resume", lambda: self._opened.library.call("resume", id=run))
        return self._take_resumed(answer)

    def _take_resumed(self, answer: Mapping[str, Any]) -> Optional[Snapshot]:
        for damage in answer["damage"]:
            log.error("Damaged, passed over: %s", damage)
        if answer["without_silo"]:
            log.warning("NO GATEWAY ANSWERED: the bucket alone was asked.")
        opened, said = self._opened, answer["snapshot"]
        opened.step, opened.is_resumed = answer["step"], True
        if said is None:
            opened.origin.resume(None, "", 0)
            return None
        opened.origin.resume(said["sequence"], said["manifest"], said["step"])
        return self._reader.open_staged(answer)

    def _resume_again(self) -> Optional[Snapshot]:
        """Another chain of this process has resumed the run, as a notebook's cell that is run again finds it."""
        if not self._opened.settle(self._config.sigterm_deadline):
            log.warning("Run %s: a save is still on its way; what is resumed from is older.", self._opened.run)
        snapshot = self.newest()
        if snapshot is not None:
            self._opened.step = snapshot["step"]
            self._opened.origin.resume(snapshot["sequence"], snapshot["manifest"], snapshot["step"])
        return snapshot
