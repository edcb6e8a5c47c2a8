"""On a real gateway (CIUIC_TEST_CONFIG); what is not installed is stood in for, see fakes.py."""

import dataclasses
import io
import json
import os
import pathlib
import pickle
import struct
import subprocess
import sys
import tempfile
import types
import unittest
import unittest.mock

import torch

import fakes

fakes.install()

from cases import SAID, ChainTestCase  # noqa: E402
from ciuic_snapshot_chain import InvalidInput, NotFound, UnsupportedValue  # noqa: E402
from ciuic_snapshot_chain.adapters import dcp, lightning, transformers  # noqa: E402


class AdapterTests(ChainTestCase):
    def setUp(self):
        super().setUp()
        torch.manual_seed(1)
        self.model = torch.nn.Linear(4, 2)
        self.optimizer = torch.optim.AdamW(self.model.parameters())
        self.model(torch.ones(1, 4)).sum().backward()
        self.optimizer.step()

    def test_a_trainers_state_is_saved_when_due_and_comes_back_as_a_folder(self):
        callback = transformers.CiuicCallback(self.chain(save_every_steps=2))
        self.assertIsNone(callback.checkpoint())
        scheduler = torch.optim.lr_scheduler.LambdaLR(self.optimizer, lambda step: 1 / (1 + step))
        state = fakes.TrainerState()
        for step in range(1, 6):
            callback.on_step_begin(None, state, None, model=self.model, optimizer=self.optimizer, lr_scheduler=scheduler)
            state.global_step, state.epoch, state.log_history = step, step / 10, [{"loss": 1 / step, "epoch": step / 10}]
            callback.on_step_end(None, state, None, model=self.model, optimizer=self.optimizer, lr_scheduler=scheduler)
        callback.on_save(None, state, None, model=self.model, optimizer=self.optimizer, lr_scheduler=scheduler)
        callback.on_train_end(None, state, None)
        self.assertEqual([5, 4, 2], [s.step for s in self.chains[0].list_snapshots()])
        self.chains[0].close()

        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(transformers.CiuicCallback(self.chain()).checkpoint(folder))
            self.assertEqual("checkpoint-5", path.name)
            self.assertEqual(5, json.loads((path / "trainer_state.json").read_text())["global_step"])
            optimizer = torch.load(path / "optimizer.pt")
            self.assertTrue(torch.equal(optimizer["state"][0]["exp_avg"], self.optimizer.state_dict()["state"][0]["exp_avg"]))
            self.assertEqual(scheduler.state_dict()["last_epoch"], torch.load(path / "scheduler.pt")["last_epoch"])
            self.assertIn("cpu", torch.load(path / "rng_state.pth", weights_only=False))
            written = (path / "model.safetensors").read_bytes()
            header = json.loads(written[8 : 8 + struct.unpack("<Q", written[:8])[0]])
            self.assertEqual({"__metadata__", "weight", "bias"}, set(header))

    def test_what_the_evaluation_of_a_step_finds_and_draws_is_saved_with_it(self):
        for strategy in ("steps", "epoch"):
            self.run_name += strategy
            callback = transformers.CiuicCallback(self.chain(save_every_steps=1))
            state, objects = fakes.TrainerState(), {"model": self.model}
            callback.on_step_begin(None, state, None, **objects)
            state.global_step, state.epoch = 1, 1.0
            callback.on_step_end(None, state, None, **objects)
            torch.rand(5)  # the evaluation draws
            callback.on_evaluate(None, state, None, **objects)
            expected = torch.get_rng_state()
            state.best_metric = 0.5  # set once all callbacks have heard of the evaluation
            torch.rand(5)  # the next batch is fetched
            (callback.on_step_begin if strategy == "steps" else callback.on_epoch_begin)(None, state, None, **objects)
            callback.on_train_end(None, state, None, **objects)
            chain = self.chains[-1]
            snapshot = chain.get_latest_snapshot()
            self.assertEqual(0.5, json.loads(chain.load_state(snapshot)["trainer_state"])["best_metric"])
            chain.restore_rng(snapshot)
            self.assertTrue(torch.equal(expected, torch.get_rng_state()))

    def test_lightnings_checkpoints_are_found_by_their_paths(self):
        class AttributeDict(dict):
            pass

        AttributeDict.__module__ = "lightning.fabric.utilities.data"
        ours = lightning.CiuicCheckpointIO(self.chain())
        self.assertIsNone(ours.latest())
        for step in (1, 2):
            ours.save_checkpoint(
                {
                    "epoch": 0, "global_step": step, "pytorch-lightning_version": "2.6.6", "state_dict": self.model.state_dict(),
                    "optimizer_states": [self.optimizer.state_dict()], "lr_schedulers": [], "loops": {"fit_loop": {"state_dict": {}}},
                    "callbacks": {"ModelCheckpoint{}": {"best_model_score": torch.tensor(0.5)}}, "hyper_parameters": AttributeDict(width=4),
                },
                f"/checkpoints/step={step}.ckpt",
            )
        ours.teardown()
        ours.remove_checkpoint("/checkpoints/step=1.ckpt")
        self.chains[0].close()

        again = lightning.CiuicCheckpointIO(self.chain())
        self.assertEqual("/checkpoints/step=2.ckpt", again.latest())
        for step in (2, 1):
            loaded = again.load_checkpoint(f"/checkpoints/step={step}.ckpt")
            self.assertEqual((step, {"width": 4}, []), (loaded["global_step"], loaded["hyper_parameters"], loaded["lr_schedulers"]))
            self.assertTrue(torch.equal(loaded["state_dict"]["weight"], self.model.state_dict()["weight"]))
            self.assertEqual(self.optimizer.state_dict()["param_groups"], loaded["optimizer_states"][0]["param_groups"])
            self.assertEqual(0.5, loaded["callbacks"]["ModelCheckpoint{}"]["best_model_score"].item())
        with self.assertRaises(NotFound):
            again.load_checkpoint("/checkpoints/none.ckpt")
        with unittest.mock.patch.dict(os.environ, WORLD_SIZE="2"), self.assertRaises(InvalidInput):
            again.load_checkpoint("/checkpoints/step=1.ckpt")

    def test_a_plan_of_torchs_distributed_checkpoint_is_written_and_read(self):
        index = dataclasses.make_dataclass("MetadataIndex", ["fqn", ("offset", object, None)])
        weight, extra = self.model.weight, {"lr": 0.1, "name": "of its planner's own"}
        items = [
            types.SimpleNamespace(index=index("model.weight", torch.Size([0, 0])), type=dcp.WriteItemType.TENSOR),
            types.SimpleNamespace(index=index("extra"), type=dcp.WriteItemType.BYTE_IO),
        ]
        chunk = dcp.ChunkStorageMetadata(offsets=torch.Size([0, 0]), sizes=weight.shape)
        metadata = dcp.Metadata(
            state_dict_metadata={
                "model.weight": dcp.TensorStorageMetadata(dcp.TensorProperties(dtype=weight.dtype), weight.shape, [chunk]),
                "extra": dcp.BytesStorageMetadata(),
            },
            planner_data={"model.weight": ("model", "weight")},
        )

        def save(chain, step, value):
            planner = types.SimpleNamespace(resolve_data=lambda item: weight * step, lookup_object=lambda index: value)
            writer = dcp.CiuicWriter(chain, step=step)
            writer.reset(f"ckpt/step-{step}")
            writer.set_up_storage_writer(True)
            self.assertEqual(32, writer.write_data(types.SimpleNamespace(items=items), planner).wait()[0].size_in_bytes)
            writer.finish(metadata, [])

        def load(chain, checkpoint_id):
            reader, target = dcp.CiuicReader(chain), torch.zeros(1, 2)
            reader.reset(checkpoint_id)
            read = reader.read_metadata()
            self.assertEqual((weight.shape, weight.dtype), (read.state_dict_metadata["model.weight"].size, read.state_dict_metadata["model.weight"].properties.dtype))
            self.assertEqual({"model.weight": ("model", "weight")}, read.planner_data)
            reader.set_up_storage_reader(read, True)
            plan = types.SimpleNamespace(items=[
                types.SimpleNamespace(
                    storage_index=index("model.weight", torch.Size([0, 0])), type=dcp.LoadItemType.TENSOR, storage_offsets=torch.Size([1, 2]), lengths=torch.Size([1, 2]),
                ),
                types.SimpleNamespace(storage_index=index("extra"), dest_index=index("extra"), type=dcp.LoadItemType.BYTE_IO),
            ])
            into = {"model": {}, "extra": None}
            reader.read_data(plan, types.SimpleNamespace(
                flatten_state_dict=True, original_state_dict=into, mappings={"extra": ("extra",)}, resolve_tensor=lambda item: target, commit_tensor=lambda item, t: None,
            )).wait()
            return target, into["extra"]

        for step in (1, 2):
            save(self.chain(), step, extra)
            if step == 1:
                with self.assertRaises(UnsupportedValue) as caught:
                    save(self.chains[0], 3, print)
                self.assertIn("extra", str(caught.exception))
        self.close_all()
        for checkpoint_id, step in ((None, 2), ("ckpt/step-1", 1), ("step:2", 2)):
            target, value = load(self.chain(), checkpoint_id)
            self.assertEqual(extra, value)
            self.assertTrue(torch.equal(weight[1:2, 2:4] * step, target))
            self.close_all()
        with self.assertRaises(NotFound):
            dcp.CiuicReader(self.chain()).reset("ckpt/step-9")

    def test_a_reader_that_does_not_train_leaves_the_run_to_its_trainer(self):
        trainer = self.chain()
        trainer.save_snapshot({"model": {"w": torch.ones(3)}, "step": 1}, blocking=True)
        program = (
            "import sys, json, fakes; fakes.install(); from ciuic_snapshot_chain import CiuicSnapshotChain, NotFound; "
            "from ciuic_snapshot_chain.adapters import dcp; "
            "chain = CiuicSnapshotChain(json.loads(sys.argv[1]), sys.argv[2]); reader = dcp.CiuicReader(chain, training=False); "
            "print(reader._find().step); "
            "empty = dcp.CiuicReader(CiuicSnapshotChain(json.loads(sys.argv[1]), sys.argv[2] + '-empty'), training=False)\n"
            "try: empty._find()\n"
            "except FileNotFoundError as error: print(error)"
        )
        # Even a reader whose settings let it take over a run that is being trained.
        settings = json.dumps({**SAID, "settings": {"Ciuic:Client:WhenLeased": "TakeOver"}})
        read = subprocess.run(
            [sys.executable, "-c", program, settings, self.run_name], capture_output=True, text=True, timeout=120, cwd=pathlib.Path(__file__).parent,
        )
        self.assertEqual((0, ["1", f"Run {self.run_name}-empty has no snapshot yet."]), (read.returncode, read.stdout.splitlines()), read.stderr)
        trainer.save_snapshot({"model": {"w": torch.zeros(3)}, "step": 2}, blocking=True)
        self.assertEqual([2, 1], [s.step for s in trainer.list_snapshots()])

    def test_pickles_of_earlier_versions_are_read_and_run_nothing(self):
        class Runs:
            def __reduce__(self):
                return (os.putenv, ("CIUIC_RAN", "1"))

        good, bad = io.BytesIO(), io.BytesIO()
        torch.save({"step": 7}, good)
        torch.save(Runs(), bad)
        self.assertEqual({"step": 7}, dcp._from_pickle(good.getvalue()))
        with self.assertRaises(pickle.UnpicklingError), unittest.mock.patch("os.putenv") as ran:
            dcp._from_pickle(bad.getvalue())
        ran.assert_not_called()


if __name__ == "__main__":
    unittest.main()
