"""
An optimizer's plain values as TorchSharp saves them, beside Python's own: a run that began in one language continues in the other. The
tensors have the same names in both. See FORMAT.md.
"""

from __future__ import annotations

import json
import math
from typing import Any, Callable, Mapping, Optional, Sequence

from .errors import InvalidInput

VALUES = "values"

#: TorchSharp's name for each of torch's options, where they differ.
_ADAM = {"weight_decay": "weight_decay", "eps": "eps", "amsgrad": "amsgrad", "maximize": "maximize"}
_SGD = {"momentum": "momentum", "dampening": "dampening", "weight_decay": "weight_decay", "nesterov": "nesterov", "maximize": "maximize"}


def is_state(state: Any) -> bool:
    """Whether it is an optimizer's state dictionary."""
    return isinstance(state, Mapping) and {"state", "param_groups"} <= set(state) and isinstance(state["param_groups"], list)


def kind_of(optimizer: Any) -> str:
    """Its class; one of somebody's own may mean something else by the same options."""
    kind = type(optimizer)
    return kind.__name__ if kind.__module__.startswith("torch.optim.") else f"{kind.__module__}.{kind.__qualname__}"


def write(state: Mapping[str, Any], kind: Optional[str]) -> Optional[bytes]:
    """
    The values, or None where TorchSharp's Adam, AdamW and SGD could do nothing with them.

    :param kind: the optimizer's class; None where only its state dictionary is known, which does not tell Adam from AdamW.
    """
    groups = state["param_groups"]
    if not groups or kind not in (None, "Adam", "AdamW", "SGD"):
        return None
    for group in groups:
        said = group.get("decoupled_weight_decay")  # newer versions of torch say so
        if said is not None:
            kind = kind or ("AdamW" if said else "Adam")
            if said != (kind == "AdamW"):
                return None
    described = [_group(group) for group in groups]
    if any(group is None for group in described):
        return None
    indexes = [index for group in groups for index in group["params"]]
    if indexes != list(range(len(indexes))):
        return None
    values: dict[str, Any] = {"type": kind} if kind else {}
    values["groups"] = described
    values["states"] = [_state(state["state"].get(index, {}), groups[0]) for index in indexes]
    if len(groups) > 1:
        values["counts"] = [len(group["params"]) for group in groups]
    return json.dumps(values, separators=(",", ":"), allow_nan=False).encode()


def read(text: bytes, names: Sequence[str], tensor: Callable[[str], Any]) -> dict[str, Any]:
    """A state dictionary for torch's optimizers of what TorchSharp has saved."""
    values = json.loads(text)
    kind = values.get("type") if isinstance(values, dict) else "a scheduler"
    if not isinstance(values, dict) or kind not in (None, "Adam", "AdamW", "SGD"):
        raise InvalidInput(f"TorchSharp has saved {kind} here, and torch has no such state: make it anew.")
    groups, states = values["groups"], values["states"]
    counts = values.get("counts") or [len(states)]
    if len(counts) != len(groups):
        raise InvalidInput(f"The optimizer has {len(groups)} groups, and the snapshot does not say how many parameters each has.")
    return {
        "state": {i: fields for i, fields in ((i, _fields(i, s, names, tensor)) for i, s in enumerate(states)) if fields},
        "param_groups": [_options(kind, group, sum(counts[:i]), counts[i]) for i, group in enumerate(groups)],
    }


def _group(group: Mapping[str, Any]) -> Optional[dict[str, Any]]:
    if "betas" in group and set(_ADAM) <= set(group):
        beta1, beta2 = group["betas"]
        said = {"beta1": _number(beta1), "beta2": _number(beta2), **{theirs: _plain(group[ours]) for ours, theirs in _ADAM.items()}}
    elif set(_SGD) <= set(group) and "alpha" not in group:
        said = {theirs: _plain(group[ours]) for ours, theirs in _SGD.items()}
    else:
        return None
    rate = _number(group["lr"])
    return {**said, "LearningRate": rate, "InitialLearningRate": _number(group.get("initial_lr", rate))}


def _state(fields: Mapping[str, Any], group: Mapping[str, Any]) -> dict[str, Any]:
    return {"step": int(fields.get("step", 0))} if "betas" in group else {}


def _fields(index: int, values: Mapping[str, Any], names: Sequence[str], tensor: Callable[[str], Any]) -> dict[str, Any]:
    prefix = f"{index}."
    fields = {name[len(prefix):]: tensor(name) for name in names if name.startswith(prefix)}
    if "step" not in values:
        return fields
    if values["step"] == 0:
        return {}  # torch begins by itself
    import torch

    return {"step": torch.tensor(float(values["step"])), **{name: value for name, value in fields.items() if name != "step"}}


def _options(kind: Optional[str], group: Mapping[str, Any], first: int, count: int) -> dict[str, Any]:
    options: dict[str, Any] = {"lr": _float(group["LearningRate"])}
    if "beta1" in group:
        options["betas"] = (_float(group["beta1"]), _float(group["beta2"]))
    options.update({ours: _float(group[theirs]) for ours, theirs in (_ADAM if "beta1" in group else _SGD).items()})
    options["initial_lr"] = _float(group["InitialLearningRate"])
    # What only torch has is chosen by speed, and means the same.
    options.update(foreach=None, capturable=False, differentiable=False)
    if kind in ("Adam", "AdamW"):
        options["decoupled_weight_decay"] = kind == "AdamW"
    return {**options, "params": list(range(first, first + count))}


def _plain(value: Any) -> Any:
    return value if isinstance(value, bool) else _number(value)


def _number(value: Any) -> Any:
    """Newer versions of torch take tensors, too."""
    number = value if type(value) in (int, float) else float(value)
    if math.isnan(number):
        return "NaN"
    return ("Infinity" if number > 0 else "-Infinity") if math.isinf(number) else number


def _float(value: Any) -> Any:
    return float(value) if isinstance(value, str) else value
