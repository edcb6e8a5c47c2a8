"""What the dictionaries that people save consist of: items under many names, and plain values beside them."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from typing import Any, Iterable, Mapping, Optional

from . import loaders, optimizer, plain, ranks, rng, tree
from .errors import InvalidInput

MODEL, OPTIMIZER, SCHEDULER, SCALER, PROGRESS = "model", "optimizer", "scheduler", "scaler", "progress"

#: What people call these items.
ALIASES = {
    **dict.fromkeys(("model", "model_state", "model_state_dict", "state_dict", "net", "network"), MODEL),
    **dict.fromkeys(("optimizer", "optimizer_state", "optimizer_state_dict", "optim", "optim_state_dict", "optimizer_states"), OPTIMIZER),
    **dict.fromkeys(("scheduler", "scheduler_state", "scheduler_state_dict", "lr_scheduler", "lr_scheduler_state_dict"), SCHEDULER),
    **dict.fromkeys(("scaler", "scaler_state", "scaler_state_dict", "grad_scaler"), SCALER),
}
STEPS = ("step", "global_step", "iteration")
RESERVED = (rng.ITEM, PROGRESS, loaders.ITEM)
_PLAIN = {int, float, str, bool, type(None), bytes}
MAX_NAME = 1_000
MAX_METRICS = 1_000


@dataclass(frozen=True)
class State:
    """A dictionary, taken apart: what was given for each item, plain values by their keys, and by key the item that it names."""

    items: dict[str, Any]
    values: dict[str, Any]
    names: dict[str, str]
    said_metrics: dict[str, float] = field(default_factory=dict)

    def step(self) -> Optional[int]:
        """The step, where a value says it."""
        name = next((name for name in STEPS if self.values.get(name) is not None), None)
        return None if name is None else plain.whole(self.values[name], f"state[{name!r}]")

    def count(self, name: str, more: int = 0) -> int:
        """A value that counts something from 0, and so many more; 0 where there is none."""
        value = plain.unwrapped(self.values.get(name))
        if value is None or (isinstance(value, (int, float)) and value < 0):
            return 0
        return plain.counted(value, f"state[{name!r}]") + more

    def metrics(self) -> dict[str, float]:
        """Values that are numbers with a fraction, NaN and infinity too, and whatever was called a metric."""
        found = {name: plain.fraction(value) for name, value in self.values.items() if name not in ("epoch", "batch_idx")}
        metrics = {**{name: value for name, value in found.items() if value is not None}, **self.said_metrics}
        if len(metrics) > MAX_METRICS:
            raise InvalidInput(f"{len(metrics)} numbers with a fraction would be metrics, and a snapshot has {MAX_METRICS} at most: keep them in a list.")
        return metrics

    def buffers(self) -> dict[str, set[str]]:
        """Names of the buffers of the modules that were given, by item."""
        return {item: ranks.buffers_of(given) for item, given in self.items.items()}

    def items_of(self, keys: Iterable[str]) -> set[str]:
        """The items that the caller's keys name."""
        for key in keys:
            if key not in self.names:
                raise InvalidInput(f"per_rank names '{key}', which is no key with a state or tensors; there are {', '.join(self.names)}.")
        return {self.names[key] for key in keys}

    def pack(self) -> dict[str, tree.Packed]:
        """All of it as tensors and bytes, by item."""
        keys = {item: key for key, item in self.names.items()}
        packed = {item: _pack(keys[item], item, given) for item, given in self.items.items()}
        packed[PROGRESS] = self._pack_values()
        return packed

    def _pack_values(self) -> tree.Packed:
        packed = tree.Packed()
        values = [[name, _pack_value(name, value, packed.bytes)] for name, value in self.values.items()]
        names = [[key, item] for key, item in self.names.items()]
        packed.bytes[tree.TREE] = tree.to_json({"d": [["values", {"d": values}], ["names", {"d": names}]]})
        return packed


def split(state: Mapping[str, Any], metrics: Optional[Mapping[str, Any]] = None) -> State:
    """Takes a dictionary apart: what has a state or holds tensors is an item of its own."""
    if not isinstance(state, Mapping):
        raise InvalidInput(
            f'A state is a dictionary, such as {{"model": model.state_dict(), "step": 100}}, not a {type(state).__name__}.'
        )
    split = State({}, {}, {}, {name: plain.metric(value, f"metrics[{name!r}]") for name, value in (metrics or {}).items()})
    for key, value in {**state, **(metrics or {})}.items():
        check_name(key, "A key of the state")
        is_item = key in ALIASES or (hasattr(value, "state_dict") and not isinstance(value, type)) or _holds_tensors(value, key)
        if not is_item or plain.is_scalar_tensor(value) and key not in ALIASES:
            split.values[key] = value
            continue
        item = ALIASES.get(key, key)
        if item in RESERVED:
            raise InvalidInput(f"'{key}' is an item of our own: use another name.")
        if item in split.items:
            raise InvalidInput(f"'{key}' and another key both mean '{item}'.")
        split.items[item], split.names[key] = value, item
    return split


def check_labels(labels: Mapping[str, str]) -> dict[str, str]:
    """Labels as they are kept: text."""
    for name, value in labels.items():
        check_name(name, "A label's name")
        if not isinstance(value, str):
            raise InvalidInput(f"labels[{name!r}] is {value!r} (a {type(value).__name__}), and labels are text: str(...) makes it one.")
        _check_text(value, f"labels[{name!r}]")
    return dict(labels)


def check_name(name: Any, what: str) -> None:
    """A name that a manifest can hold."""
    if not isinstance(name, str) or not name:
        raise InvalidInput(f"{name!r} names nothing: {what[0].lower()}{what[1:]} is a string that is not empty.")
    if len(name) > MAX_NAME:
        raise InvalidInput(f"'{name[:40]}...' has {len(name)} characters: {what[0].lower()}{what[1:]} has {MAX_NAME} at most.")
    _check_text(name, f"{what} ({name!r})")


def _check_text(text: str, place: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InvalidInput(f"{place} is no text: {error.reason} at character {error.start}.") from None


def _pack(key: str, item: str, given: Any) -> tree.Packed:
    """A state, or an object that has one."""
    is_object = hasattr(given, "state_dict")
    state = given.state_dict() if is_object else given
    packed = tree.pack(key, state, drop_functions=item == SCHEDULER or (is_object and _is_scheduler(given)))
    if optimizer.is_state(state):
        values = optimizer.write(state, optimizer.kind_of(given) if is_object else None)
        if values is not None:
            packed.bytes[optimizer.VALUES] = values
    return packed


def _pack_value(name: str, value: Any, blobs: dict[str, bytes]) -> Any:
    """A plain value in the tree; a number that is a tensor is kept as one."""
    if plain.is_scalar_tensor(value):
        tree.require_plain(name, value)
        return tree.scalar(value)
    return tree.node(name, value, blobs)


def _is_scheduler(given: Any) -> bool:
    torch = sys.modules.get("torch")
    if torch is None:
        return False
    schedulers = sys.modules.get("torch.optim.lr_scheduler")
    kinds = [getattr(schedulers, name, None) for name in ("LRScheduler", "_LRScheduler", "ReduceLROnPlateau")]
    return isinstance(given, tuple(kind for kind in kinds if kind is not None))


def _holds_tensors(value: Any, key: str, depth: int = 0) -> bool:
    if depth > tree.MAX_DEPTH:
        raise InvalidInput(f"'{key}' is more than {tree.MAX_DEPTH} levels deep, or contains itself.")
    if tree.is_tensor(value):
        return True
    if tree.is_array(value):
        return value.ndim > 0
    if isinstance(value, Mapping):
        return any(_holds_tensors(v, key, depth + 1) for v in value.values())
    if not isinstance(value, (list, tuple)):
        return False
    if len(value) >= tree.LONG and set(map(type, value)) <= _PLAIN:
        return False
    return any(_holds_tensors(v, key, depth + 1) for v in value)
