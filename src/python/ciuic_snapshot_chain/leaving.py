"""What a chain leaves behind: functions and no methods, because a chain that is forgotten must go at once."""

from __future__ import annotations

import logging

from . import loaders
from .last_step import NoAgreement
from .opened import OpenedRun
from .sigterm import Sigterm

log = logging.getLogger("ciuic_snapshot_chain")


def is_last(opened: OpenedRun, sigterm: Sigterm, step: int) -> bool:
    """Whether training ends after this step, because this process was told to, or all ranks agree."""
    try:
        return opened.ranks.is_last(step, sigterm.requested, opened.token)
    except NoAgreement as error:
        log.error("SIGTERM, and nothing more is saved: %s.", error)
        opened.settle(opened.at_the_end)  # others may wait for what this rank has on its way
        sigterm.pass_on()
        return False


def forgotten(opened: OpenedRun, sigterm: Sigterm, seconds: float, follows: bool) -> None:
    """A chain that nobody holds any more."""
    if follows:
        loaders.FOLLOWER.leave()
    opened.release_later(seconds)
    sigterm.close()
