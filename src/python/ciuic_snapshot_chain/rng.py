"""Random generators: Python's, NumPy's, torch's."""

from __future__ import annotations

import random
import sys
from typing import Any, Optional

from . import tree

ITEM = "rng"
CPU = "cpu"


def capture() -> tree.Packed:
    """The state of every generator that is in use. That of torch on the CPU lies where TorchSharp looks for it, too."""
    state: dict[str, Any] = {"python": random.getstate()}
    numpy, torch = sys.modules.get("numpy"), sys.modules.get("torch")
    if numpy is not None:
        state["numpy"] = numpy.random.get_state()
    if torch is not None and torch.cuda.is_available() and torch.cuda.is_initialized():
        state["cuda"] = torch.cuda.get_rng_state_all()
    packed = tree.pack(ITEM, state)
    if torch is not None:
        packed.bytes[CPU] = bytes(torch.get_rng_state().numpy())
    return packed


def restore(state: Optional[dict[str, Any]], cpu: Optional[bytes]) -> None:
    """Puts generators back. One that is not in use in this process is left alone."""
    state = state or {}
    if "python" in state:
        random.setstate(state["python"])
    numpy, torch = sys.modules.get("numpy"), sys.modules.get("torch")
    if numpy is not None and "numpy" in state:
        numpy.random.set_state(state["numpy"])
    if torch is None:
        return
    if cpu is not None:
        torch.set_rng_state(torch.frombuffer(bytearray(cpu), dtype=torch.uint8))
    if "cuda" in state and torch.cuda.is_available():
        torch.cuda.set_rng_state_all(state["cuda"])
