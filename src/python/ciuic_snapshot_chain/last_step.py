"""The step at which several ranks save for the last time, when one of them is told to end."""

from __future__ import annotations

import logging
import time
from typing import Any

log = logging.getLogger("ciuic_snapshot_chain")

#: Seconds that ranks which have come to the last step wait there for the others: they are behind by a part of a step, or in step no more.
PATIENCE = 10.0


class NoAgreement(Exception):
    """There is nothing through which ranks could agree."""


class LastStep:
    """
    Ranks agree through a store that all of them reach. One that is told to end names the next step as the last, before it goes on: whoever
    shares a collective in each step with it asks the store after that step later than it said so. At that step all of them come together;
    where some are further already, or do not come, a later step is named. The verdict on a step is one write that only the first can make.

    :param store: of torch.distributed.
    :param prefix: of its keys; no other start has it.
    :param rank: this process.
    :param world_size: how many there are.
    """

    def __init__(self, store: Any, prefix: str, rank: int, world_size: int, patience: float = PATIENCE) -> None:
        self._store, self._prefix, self._rank, self._world_size, self._patience = store, prefix, rank, world_size, patience
        #: Whether the last step is this one.
        self.is_agreed = False
        self._is_lost = False

    def is_reached(self, step: int, told_to_end: bool) -> bool:
        """
        Whether all end after this step; asked by each rank after the same steps. Costs one question to the store.

        :raises NoAgreement: this rank is told to end, and the store does not answer any more.
        """
        if self.is_agreed:
            return True
        if not self._is_lost:
            self._ask(step, told_to_end)
        if self._is_lost and told_to_end:
            raise NoAgreement("ranks agree on their last step through torch.distributed's store, which does not answer any more")
        return self.is_agreed

    def _ask(self, step: int, told_to_end: bool) -> None:
        try:
            last = self._target()
            if told_to_end and last == 0:
                last = self._postpone(step + 1)
                log.warning("SIGTERM: all %d ranks save after step %d and end.", self._world_size, last)
            if 0 < last <= step:
                self.is_agreed = self._meet(last, step)
        except Exception as error:  # whatever a store raises that has gone with its process
            self._is_lost = True
            log.error("Ranks cannot agree on their last step any more, nothing is saved at the end: %s", error)

    def _meet(self, last: int, step: int) -> bool:
        """Waits for all ranks at this step."""
        place = f"{self._prefix}/{last}"
        self._store.add(f"{place}/at/{step}", 1)
        come = self._store.add(f"{place}/come", 1)
        end = time.monotonic() + self._patience
        while come < self._world_size and time.monotonic() < end:
            time.sleep(0.01)
            come = self._store.add(f"{place}/come", 0)
        here = self._store.add(f"{place}/at/{step}", 0)
        verdict = self._store.compare_set(f"{place}/verdict", "", "end" if here == self._world_size else "go on").decode()
        if verdict == "end":
            return True  # whoever made it saw all ranks at one step, and this is one of them
        self._postpone(step + 1)
        log.warning("Of %d ranks %d are at step %d, and %d have come: they go on to a later last step.", self._world_size, here, step, come)
        return False

    def _target(self) -> int:
        """The step that was named; 0 where none was."""
        key = f"{self._prefix}/step"
        check = getattr(self._store, "check", None)
        if check is None:  # older torch: to add nothing is to ask
            return int(self._store.add(key, 0))
        return int(self._store.get(key)) if check([key]) else 0

    def _postpone(self, step: int) -> int:
        """Names a step, unless a later one is named."""
        key = f"{self._prefix}/step"
        while True:
            known = self._target()
            if known >= step:
                return known
            expected = str(known) if known or not hasattr(self._store, "check") else ""
            if int(self._store.compare_set(key, expected, str(step)) or 0) == step:
                return step
