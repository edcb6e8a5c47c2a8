"""Tensors on a GPU: copied to pinned memory on a stream of their own, all at once."""

from __future__ import annotations

import logging
from typing import Any, Sequence

log = logging.getLogger("ciuic_snapshot_chain")


class PinnedCopies:
    """Keeps the pinned memory from one save to the next: making it takes longer than copying into it."""

    def __init__(self) -> None:
        self._buffers: dict[tuple[str, str], Any] = {}
        self._streams: dict[Any, Any] = {}

    def of(self, tensors: Sequence[tuple[str, str, Any]]) -> dict[tuple[str, str], Any]:
        """
        Copies of tensors that lie on GPUs, by item and name. They hold what the tensors hold after all work that was given to the current
        streams before; they are whole when this returns, and good until the next call.
        """
        import torch

        copies: dict[tuple[str, str], Any] = {}
        used = set()
        for item, name, tensor in tensors:
            source = tensor.detach()
            if source.is_conj() or source.is_neg():
                source = source.resolve_conj().resolve_neg()
            source = source.contiguous()
            stream = self._stream(source.device)
            stream.wait_stream(torch.cuda.current_stream(source.device))
            buffer = self._buffer((item, name), source)
            with torch.cuda.stream(stream):
                buffer.copy_(source, non_blocking=True)
            source.record_stream(stream)
            copies[item, name] = buffer
            used.add(stream)
        for stream in used:
            stream.synchronize()
        return copies

    def _stream(self, device: Any) -> Any:
        import torch

        if device not in self._streams:
            self._streams[device] = torch.cuda.Stream(device)
        return self._streams[device]

    def _buffer(self, key: tuple[str, str], source: Any) -> Any:
        import torch

        buffer = self._buffers.get(key)
        if buffer is None or buffer.shape != source.shape or buffer.dtype != source.dtype:
            buffer = self._buffers[key] = _pinned(source)
        return buffer


def _pinned(like: Any) -> Any:
    """Memory that a GPU copies to by itself; where the machine gives no more of it, memory as any."""
    import torch

    try:
        return torch.empty(like.shape, dtype=like.dtype, device="cpu", pin_memory=True)
    except RuntimeError as error:
        log.warning("No pinned memory for %d bytes: the copy will take longer. %s", like.numel() * like.element_size(), error)
        return torch.empty(like.shape, dtype=like.dtype, device="cpu")
