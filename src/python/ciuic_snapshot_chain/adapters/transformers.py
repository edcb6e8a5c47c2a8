"""
Hugging Face Trainer::

    callback = CiuicCallback(CiuicSnapshotChain("ciuic_config.json"))
    trainer = Trainer(..., callbacks=[callback])
    trainer.train(resume_from_checkpoint=callback.checkpoint())
"""

from __future__ import annotations

import json
import os
import random
import sys
import tempfile
from pathlib import Path
from typing import Any, Optional

from ..chain import CiuicSnapshotChain
from ..safetensors import write
from ._alone import settle

try:
    from transformers import TrainerCallback
except ImportError as error:
    raise ImportError("ciuic_snapshot_chain.adapters.transformers needs transformers: pip install transformers") from error


class CiuicCallback(TrainerCallback):
    """
    Saves model, optimizer, scheduler, the trainer's state and random generators after each step at which a save is due
    (``save_every_steps``), and whenever the Trainer saves. Training does not wait for more than the copy.

    :param chain: where to save; closed by whoever made it.
    """

    def __init__(self, chain: CiuicSnapshotChain) -> None:
        self._chain = chain
        self._saved: Optional[int] = None

    def checkpoint(self, folder: Optional[str] = None) -> Optional[str]:
        """
        Writes the newest snapshot as a folder that ``Trainer.train(resume_from_checkpoint=...)`` takes; None where there is none.

        :param folder: where to; default: a new temporary folder.
        """
        snapshot = self._chain.get_latest_snapshot()
        if snapshot is None:
            return None
        import torch

        state = self._chain.load_state(snapshot)
        path = Path(folder or tempfile.mkdtemp(prefix="ciuic-")) / f"checkpoint-{snapshot['step']}"
        path.mkdir(parents=True, exist_ok=True)
        write(path / "model.safetensors", state["model"], {"format": "pt"})
        for name in ("optimizer", "scheduler", "scaler"):
            if name in state:
                torch.save(state[name], path / f"{name}.pt")
        self._chain.restore_rng(snapshot)
        torch.save(_generators(), path / _rng_file())
        (path / "trainer_state.json").write_text(state["trainer_state"], encoding="utf-8")
        self._saved = snapshot["step"]
        return str(path)

    def on_step_end(self, args: Any, state: Any, control: Any, **objects: Any) -> None:
        # Where the Trainer saves itself, it does so once this step is evaluated, and its state says so.
        if self._chain.should_save(state.global_step) and not getattr(control, "should_save", False):
            self._save(state, objects)

    def on_save(self, args: Any, state: Any, control: Any, **objects: Any) -> None:
        self._save(state, objects)

    def on_train_end(self, args: Any, state: Any, control: Any, **objects: Any) -> None:
        settle(self._chain.finish)

    def _save(self, state: Any, objects: dict[str, Any]) -> None:
        if self._saved == state.global_step:
            return
        self._saved = state.global_step
        saved = {"model": objects["model"], "optimizer": objects.get("optimizer"), "scheduler": objects.get("lr_scheduler")}
        saved["scaler"] = getattr(saved["optimizer"], "scaler", None)
        self._chain.save_snapshot(
            {
                **{name: value for name, value in saved.items() if value is not None},
                "trainer_state": json.dumps(_plain(state), sort_keys=True),
                "epoch": int(state.epoch or 0),
                **_metrics(state),
            },
            step=state.global_step,
        )


def _plain(state: Any) -> dict[str, Any]:
    import dataclasses

    return {name: value for name, value in dataclasses.asdict(state).items() if _is_json(value)}


def _is_json(value: Any) -> bool:
    try:
        json.dumps(value)
        return True
    except (TypeError, ValueError):
        return False


def _metrics(state: Any) -> dict[str, float]:
    last = state.log_history[-1] if state.log_history else {}
    return {name: float(value) for name, value in last.items() if name != "epoch" and isinstance(value, float)}


def _rng_file() -> str:
    alone = int(os.environ.get("WORLD_SIZE", "1")) <= 1
    return "rng_state.pth" if alone else f"rng_state_{os.environ.get('RANK', '0')}.pth"


def _generators() -> dict[str, Any]:
    """As the Trainer writes them."""
    import torch

    states: dict[str, Any] = {"python": random.getstate(), "cpu": torch.random.get_rng_state()}
    if "numpy" in sys.modules:
        states["numpy"] = sys.modules["numpy"].random.get_state()
    if torch.cuda.is_available():
        states["cuda"] = torch.cuda.random.get_rng_state_all() if torch.cuda.device_count() > 1 else torch.cuda.random.get_rng_state()
    return states
