"""A snapshot as a mapping and an object at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Iterator


class Snapshot(Mapping):
    """
    What a snapshot says of itself: ``snapshot['epoch']`` and ``snapshot.epoch`` are the same. Always there: ``run``, ``sequence``,
    ``manifest`` (its digest), ``step``, ``timestamp`` (ISO 8601, UTC; '' where no gateway was there to say it), ``metrics``, ``labels``;
    besides, all plain values that were saved with it. Its tensors are read by the ``load_...`` methods of the chain.
    """

    def __init__(self, values: dict[str, Any], source: int, items: dict[str, Any]) -> None:
        self._values, self._source, self._items = values, source, items
        self._saves: Any = None  # of one that lies in staging memory: how many saves there were when it was read

    def __getitem__(self, key: str) -> Any:
        return self._values[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __getattr__(self, name: str) -> Any:
        try:
            return self.__dict__["_values"][name]
        except KeyError:
            raise AttributeError(f"This snapshot has no '{name}'; it has {', '.join(self.__dict__.get('_values', {}))}.") from None

    def __repr__(self) -> str:
        return f"<Snapshot {self['run']}#{self['sequence']} step {self['step']} {self['timestamp']}>"
