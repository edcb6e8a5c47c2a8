"""
Ciuic where other libraries save: one small module for each, which imports the library when it is imported itself.

``transformers``: a ``TrainerCallback``; ``lightning``: a ``CheckpointIO``; ``dcp``: a ``StorageWriter`` and a ``StorageReader`` of
``torch.distributed.checkpoint``.
"""
