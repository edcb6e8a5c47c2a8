"""Numbers as people give them: Python's, NumPy's, tensors without a dimension."""

from __future__ import annotations

import math
import operator
import sys
from typing import Any, Optional

from .errors import InvalidInput

#: Steps, epochs and samples are 64-bit integers.
MOST = 2**63 - 1


def is_scalar_tensor(value: Any) -> bool:
    """Whether it is one dense number of torch's."""
    torch = sys.modules.get("torch")
    return torch is not None and type(value) in (torch.Tensor, torch.nn.Parameter) and value.dim() == 0 and value.layout is torch.strided


def unwrapped(value: Any) -> Any:
    """The number in a tensor or array without dimensions, or in a scalar of NumPy's; anything else as it is."""
    numpy = sys.modules.get("numpy")
    if is_scalar_tensor(value) and value.device.type != "meta":
        return value.item()
    if numpy is not None and (isinstance(value, numpy.generic) or (isinstance(value, numpy.ndarray) and value.ndim == 0)):
        return value.item()
    return value


def whole(value: Any, place: str) -> int:
    """An integer from 0, whoever's it is; refused by its place where it is none: passed over, it would be another one."""
    plain = unwrapped(value)
    if isinstance(plain, bool):
        raise InvalidInput(f"{place} is {plain}: it must be a whole number.")
    try:
        number = operator.index(plain)
    except TypeError:
        raise InvalidInput(f"{place} is {plain!r} (a {type(value).__name__}): it must be a whole number; int(...) makes one.") from None
    if not 0 <= number <= MOST:
        raise InvalidInput(f"{place} is {number}: it must be a number from 0 to 2^63 - 1.")
    return number


def counted(value: Any, place: str) -> int:
    """What the manifest says of a count that may have a fraction, such as an epoch: its whole part; 0 where it is negative."""
    plain = unwrapped(value)
    if plain is None or (isinstance(plain, float) and not math.isfinite(plain)):
        return 0
    if isinstance(plain, float):
        plain = math.floor(plain)
    if isinstance(plain, int) and not isinstance(plain, bool) and plain < 0:
        return 0
    return whole(plain, place)


def fraction(value: Any) -> Optional[float]:
    """A number with a fraction, NaN and infinity too; None where it is something else."""
    plain = unwrapped(value)
    return plain if isinstance(plain, float) else None


def metric(value: Any, place: str) -> float:
    """A number that somebody calls a metric."""
    plain = unwrapped(value)
    if isinstance(plain, bool) or not isinstance(plain, (int, float)):
        raise InvalidInput(f"{place} is a {type(value).__name__}: a metric is a number.")
    return float(plain)
