"""A snapshot as a mapping and an object at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Iterator

from .errors import MissingValue

#: The method that reads what people look for by its key, as in the dictionary of a torch.load.
_READ_BY = {"model": "load_model_state", "optimizer": "load_optimizer_state", "scheduler": "load_scheduler_state"}


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
        try:
            return self._values[key]
        except KeyError:
            raise MissingValue(self._where_it_is(key)) from None

    def get(self, key: str, default: Any = None) -> Any:
        """A value, or the default."""
        return self._values.get(key, default)

    def __contains__(self, key: object) -> bool:
        return key in self._values

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __getattr__(self, name: str) -> Any:
        try:
            return self.__dict__["_values"][name]
        except KeyError:
            said = self._where_it_is(name) if "_values" in self.__dict__ else f"It has no '{name}' yet."
            raise AttributeError(said) from None

    def __repr__(self) -> str:
        return f"<Snapshot {self['run']}#{self['sequence']} step {self['step']} {self['timestamp']}>"

    def _where_it_is(self, key: str) -> str:
        from .state import ALIASES

        item = self._values.get("names", {}).get(key) or ALIASES.get(key, key)
        if item in self._items:
            method = f"{_READ_BY[item]}(snapshot)" if item in _READ_BY else f"load(snapshot, {item!r})"
            return f"'{key}' holds tensors or a state: chain.{method} reads it."
        hidden = ("saved", "names")
        return f"{self!r} has no '{key}'; it has {', '.join(k for k in self._values if k not in hidden)}" + (
            f", and to load {', '.join(self._items)}." if self._items else "."
        )
