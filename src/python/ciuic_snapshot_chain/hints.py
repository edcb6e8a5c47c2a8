"""What to save instead of a value that cannot be saved."""

from __future__ import annotations

import dataclasses
import os
import sys
from typing import Any

ANY = "Save its state_dict(), or plain values and tensors."

#: By module and class, of a value or what it inherits from.
_BY_CLASS = {
    "argparse.Namespace": "Save vars(args).",
    "enum.Enum": "Save its .value or .name.",
    "datetime.datetime": "Save its isoformat().",
    "datetime.date": "Save its isoformat().",
    "datetime.timedelta": "Save its total_seconds().",
    "decimal.Decimal": "Save str(value).",
    "collections.deque": "Save list(values), and its maxlen.",
    "builtins.range": "Save list(values).",
    "builtins.tuple": "Save its _asdict(), or tuple(value).",
    "builtins.str": "Save str(value).",
    "builtins.int": "Save int(value).",
    "builtins.float": "Save float(value).",
    "torch.nn.modules.module.Module": "Save its state_dict().",
    "torch._C.Generator": "Save its get_state().",
    "numpy.random._generator.Generator": "Save rng.bit_generator.state.",
    "numpy.random.mtrand.RandomState": "Save its get_state().",
    "numpy.ndarray": "Save tolist(), or an array of numbers (astype).",
    "builtins.function": "Save its name, and look it up when it is loaded.",
}


def way_out(value: Any) -> str:
    """One sentence; empty where nothing better is known than :data:`ANY`."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return "Save dataclasses.asdict(value)."
    if isinstance(value, os.PathLike):
        return "Save str(path)."
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(value, torch.Generator):
        return _BY_CLASS["torch._C.Generator"]
    for kind in type(value).__mro__:
        said = _BY_CLASS.get(f"{kind.__module__}.{kind.__qualname__}")
        if said is not None:
            return said
    return ""
