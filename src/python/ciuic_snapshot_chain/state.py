"""What the dictionaries that people save consist of: items under many names, and plain values beside them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Mapping, Optional

from . import optimizer, rng, tree
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
RESERVED = (rng.ITEM, PROGRESS)


@dataclass(frozen=True)
class State:
    """A dictionary, taken apart: what was given for each item, plain values by their keys, and by key the item that it names."""

    items: dict[str, Any]
    values: dict[str, Any]
    names: dict[str, str]

    def step(self) -> Optional[int]:
        """The step, where a value says it."""
        return next((self.values[name] for name in STEPS if type(self.values.get(name)) is int), None)

    def count(self, name: str, more: int = 0) -> int:
        """A value that counts something from 0, and so many more; 0 where there is none."""
        value = self.values.get(name)
        return value + more if type(value) is int and value >= 0 else 0

    def metrics(self) -> dict[str, float]:
        """Values that are finite numbers with a fraction."""
        finite = {k: float(v) for k, v in self.values.items() if isinstance(v, float)}
        return {k: v for k, v in finite.items() if v == v and abs(v) != float("inf")}

    def pack(self) -> dict[str, tree.Packed]:
        """All of it as tensors and bytes, by item."""
        packed = {item: _pack(item, given) for item, given in self.items.items()}
        packed[PROGRESS] = tree.pack(PROGRESS, {"values": self.values, "names": self.names})
        return packed


def split(state: Mapping[str, Any]) -> State:
    """Takes a dictionary apart: what has a state or holds tensors is an item of its own."""
    split = State({}, {}, {})
    for key, value in state.items():
        if not isinstance(key, str) or not key:
            raise InvalidInput(f"{key!r} names nothing: keys are strings.")
        if key not in ALIASES and not hasattr(value, "state_dict") and not _holds_tensors(value):
            split.values[key] = value
            continue
        item = ALIASES.get(key, key)
        if item in RESERVED:
            raise InvalidInput(f"'{key}' is an item of our own: use another name.")
        if item in split.items:
            raise InvalidInput(f"'{key}' and another key both mean '{item}'.")
        split.items[item], split.names[key] = value, item
    return split


def _pack(item: str, given: Any) -> tree.Packed:
    """A state, or an object that has one."""
    is_object = hasattr(given, "state_dict")
    state = given.state_dict() if is_object else given
    packed = tree.pack(item, state)
    if optimizer.is_state(state):
        values = optimizer.write(state, optimizer.kind_of(given) if is_object else None)
        if values is not None:
            packed.bytes[optimizer.VALUES] = values
    return packed


def _holds_tensors(value: Any) -> bool:
    if tree.is_tensor(value) or tree.is_array(value):
        return True
    if isinstance(value, Mapping):
        return any(_holds_tensors(v) for v in value.values())
    return isinstance(value, (list, tuple)) and any(_holds_tensors(v) for v in value)
