"""Which run this is, where nobody has named it: said once at each start."""

from __future__ import annotations

import logging
import os
from typing import Any, Optional

from .errors import CiuicError
from .library import Library
from .naming import former_default, program_place
from .snapshot import Snapshot

log = logging.getLogger("ciuic_snapshot_chain")


def say(library: Library, chain: int, run: str, snapshot: Optional[Snapshot]) -> None:
    """One line: the run's name and why, what it goes on from, since when there is something."""
    if os.environ.get("RANK", "0") != "0":
        return
    named = f"No run is named ('run' in the configuration): this is {run}, of {program_place()}"
    if snapshot is not None:
        first = _find(library, chain, run, "#1")
        since = f", begun {str(first['created_at'])[:16].replace('T', ' ')} UTC" if first and first.get("created_at") else ""
        log.warning("%s; it goes on from step %d%s.", named, snapshot["step"], since)
        return
    former = former_default()
    before = _find(library, chain, former, "latest")
    if before is None:
        log.warning("%s; it is new.", named)
        return
    log.warning(
        "%s; it is new. There is a run '%s' too, the name that earlier versions gave to any %s; its newest snapshot is of step %d. If that is this "
        "program's, go on with it: set 'run' to '%s'.", named, former, former, before["step"], former,
    )


def _find(library: Library, chain: int, run: str, reference: str) -> Optional[dict[str, Any]]:
    try:
        return dict(library.call("find", chain=chain, run=run, reference=reference, parts=[]))
    except CiuicError:
        return None  # there is none, or nobody to ask
