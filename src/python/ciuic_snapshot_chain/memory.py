"""Tensors as the library sees them: where their bytes lie."""

from __future__ import annotations

from typing import Any

from .errors import InvalidInput

DTYPES = (
    "uint8", "int8", "int16", "int32", "int64", "float16", "bfloat16", "float32", "float64", "complex64", "complex128", "bool",
    "uint16", "uint32", "uint64", "complex32", "float8_e4m3fn", "float8_e5m2", "float8_e4m3fnuz", "float8_e5m2fnuz", "float8_e8m0fnu",
    "float4_e2m1fn_x2", "bits8", "bits16", "bits1x8", "bits2x4", "bits4x2",
)

#: Types that torch can hold, but neither compare, copy in strides nor fill: they are handled as bytes.
_OPAQUE = ("float8", "float4", "bits", "uint16", "uint32", "uint64")


def hold(tensor: Any) -> Any:
    """The tensor's bytes on the CPU, row-major, without gaps: the tensor itself where they lie so already."""
    tensor = tensor.detach()
    if _is_opaque(tensor) and not tensor.is_contiguous():
        return hold(_as_integers(tensor)).view(tensor.dtype)
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

    known = getattr(torch, dtype, None)
    if known is None:
        raise InvalidInput(f"This version of torch ({torch.__version__}) has no {dtype}, in which the snapshot holds tensors.")
    return torch.empty(shape, dtype=known, device="cpu")  # whatever the default is


def _is_opaque(tensor: Any) -> bool:
    return str(tensor.dtype)[6:].startswith(_OPAQUE)


def _as_integers(tensor: Any) -> Any:
    """The same elements as integers of the same width, which every version of torch copies."""
    import torch

    return tensor.view({1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}[tensor.element_size()])
