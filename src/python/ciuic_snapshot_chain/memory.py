"""Tensors as the library sees them: where their bytes lie."""

from __future__ import annotations

from typing import Any

DTYPES = (
    "uint8", "int8", "int16", "int32", "int64", "float16", "bfloat16", "float32", "float64", "complex64", "complex128", "bool",
)


def hold(tensor: Any) -> Any:
    """The tensor's bytes on the CPU, row-major, without gaps: the tensor itself where they lie so already."""
    tensor = tensor.detach()
    if tensor.device.type != "cpu":
        tensor = tensor.cpu()
    if tensor.is_conj() or tensor.is_neg():
        tensor = tensor.resolve_conj().resolve_neg()
    return tensor.contiguous()


def describe(name: str, tensor: Any) -> dict[str, Any]:
    """Name, type, shape and address of a tensor that :func:`hold` returned."""
    return {"name": name, "dtype": str(tensor.dtype)[6:], "shape": list(tensor.shape), "address": tensor.data_ptr()}


def empty(dtype: str, shape: list[int]) -> Any:
    """A tensor to read into."""
    import torch

    return torch.empty(shape, dtype=getattr(torch, dtype), device="cpu")  # whatever the default is
