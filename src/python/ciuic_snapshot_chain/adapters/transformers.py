"""
Hugging Face Trainer::

    callback = CiuicCallback(CiuicSnapshotChain("ciuic_config.json"))
    trainer = Trainer(..., callbacks=[callback])
    trainer.train(resume_from_checkpoint=callback.checkpoint())
"""

from __future__ import annotations

import atexit
import json
import os
import random
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any, Optional

from .. import rng
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
    (``save_every_steps``), and whenever the Trainer saves; where it evaluates at that step, once that is done. Training does not wait for more than the copy.

    :param chain: where to save; closed by whoever made it.
    """

    def __init__(self, chain: CiuicSnapshotChain) -> None:
        self._chain = chain
        self._saved: Optional[int] = None
        self._due: Optional[tuple[int, Any]] = None

    def checkpoint(self, folder: Optional[str] = None) -> Optional[str]:
        """
        Writes the newest snapshot as a folder that ``Trainer.train(resume_from_checkpoint=...)`` takes; None where there is none.

        :param folder: where to; default: a new temporary folder, which is removed when the program ends.
        """
        snapshot = self._chain.get_latest_snapshot(follow=False)
        if snapshot is None:
            return None
        import torch

        state = self._chain.load_state(snapshot)
        path = Path(folder or _temporary()) / f"checkpoint-{snapshot['step']}"
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

    # What is due at a step is saved once that step is over for the Trainer, too: it evaluates after on_step_end, draws random numbers, and
    # writes down what it has found. The next step's data is fetched between, so the generators are kept as they were when it was over.

    def on_step_end(self, args: Any, state: Any, control: Any, **objects: Any) -> None:
        if self._chain.should_save(state.global_step):
            self._due = (state.global_step, rng.capture())

    def on_evaluate(self, args: Any, state: Any, control: Any, **objects: Any) -> None:
        if self._due is not None and self._due[0] == state.global_step:
            self._due = (state.global_step, rng.capture())

    def on_step_begin(self, args: Any, state: Any, control: Any, **objects: Any) -> None:
        self._save_what_is_due(state, objects)

    def on_epoch_begin(self, args: Any, state: Any, control: Any, **objects: Any) -> None:
        self._save_what_is_due(state, objects)

    def on_save(self, args: Any, state: Any, control: Any, **objects: Any) -> None:
        self._due = (state.global_step, rng.capture())
        self._save_what_is_due(state, objects)

    def on_train_end(self, args: Any, state: Any, control: Any, **objects: Any) -> None:
        self._save_what_is_due(state, objects)
        settle(self._chain.finish)

    def _save_what_is_due(self, state: Any, objects: dict[str, Any]) -> None:
        if self._due is None:
            return
        (step, generators), self._due = self._due, None
        if step != state.global_step or self._saved == step:
            return
        self._saved = step
        saved = {"model": objects["model"], "optimizer": objects.get("optimizer"), "scheduler": objects.get("lr_scheduler")}
        saved["scaler"] = getattr(saved["optimizer"], "scaler", None)
        self._chain.save_with(
            {
                **{name: value for name, value in saved.items() if value is not None},
                "trainer_state": json.dumps(_plain(state), sort_keys=True),
                "epoch": int(state.epoch or 0),
                **_metrics(state),
            },
            step=step,
            generators=generators,
        )


def _temporary() -> str:
    """It is not left behind: the snapshot is what is kept."""
    folder = tempfile.mkdtemp(prefix="ciuic-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


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
