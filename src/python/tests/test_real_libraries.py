"""
With transformers, pytorch-lightning, torch 2 and a GPU themselves, on a real gateway (CIUIC_TEST_CONFIG). Not part of the CI, whose machine
has none of them: run it where they are installed.
"""

import tempfile
import unittest

import torch

from cases import ChainTestCase


class RealLibraryTests(ChainTestCase):
    def chain(self, **more):
        self.close_all()  # one after the other, as processes would
        return super().chain(**more)

    def test_transformers(self):
        from transformers import GPT2Config, GPT2LMHeadModel, Trainer, TrainingArguments

        from ciuic_snapshot_chain.adapters.transformers import CiuicCallback

        class Data(torch.utils.data.Dataset):
            def __len__(self):
                return 64

            def __getitem__(self, i):
                tokens = torch.arange(i, i + 16) % 50
                return {"input_ids": tokens, "labels": tokens}

        def train(steps, callback, resume):
            torch.manual_seed(3)
            model = GPT2LMHeadModel(GPT2Config(vocab_size=50, n_positions=16, n_embd=32, n_layer=2, n_head=2))
            with tempfile.TemporaryDirectory() as folder:
                arguments = TrainingArguments(
                    folder, max_steps=12, per_device_train_batch_size=4, save_strategy="no", report_to=[], logging_steps=1, seed=3, learning_rate=1e-2,
                )
                arguments.max_steps = 12
                trainer = Trainer(model, arguments, train_dataset=Data(), callbacks=[callback] if callback else [])
                if steps < 12:
                    from transformers import TrainerCallback

                    class Stop(TrainerCallback):
                        def on_step_end(self, args, state, control, **objects):
                            control.should_training_stop = state.global_step >= steps

                    trainer.add_callback(Stop())
                trainer.train(resume_from_checkpoint=resume)
                return [line["loss"] for line in trainer.state.log_history if "loss" in line]

        straight = train(12, None, None)
        train(7, CiuicCallback(self.chain(save_every_steps=3)), None)
        self.assertEqual([6, 3], [s.step for s in self.chains[-1].list_snapshots()])
        callback = CiuicCallback(self.chain(save_every_steps=3))
        resumed = train(12, callback, callback.checkpoint())
        self.assertEqual(straight[6:], resumed[-6:])  # the Trainer logs a step's loss after its callbacks have seen its end

    def test_a_trainer_that_evaluates_goes_on_as_if_nothing_had_happened(self):
        from transformers import GPT2Config, GPT2LMHeadModel, Trainer, TrainerCallback, TrainingArguments

        from ciuic_snapshot_chain.adapters.transformers import CiuicCallback

        class Data(torch.utils.data.Dataset):
            def __len__(self):
                return 16

            def __getitem__(self, i):
                tokens = (torch.arange(i, i + 16) + torch.randint(2, (16,))) % 50  # draws, in training and evaluation
                return {"input_ids": tokens, "labels": tokens}

        def train(steps, callback, resume, strategies):
            torch.manual_seed(3)
            model = GPT2LMHeadModel(GPT2Config(vocab_size=50, n_positions=16, n_embd=32, n_layer=1, n_head=2))
            with tempfile.TemporaryDirectory() as folder:
                arguments = TrainingArguments(
                    folder, num_train_epochs=4, per_device_train_batch_size=4, report_to=[], logging_steps=1, seed=3, learning_rate=1e-2, **strategies
                )
                stop = type("Stop", (TrainerCallback,), {"on_step_begin": lambda self, a, state, control, **o: end(state, control)})()

                def end(state, control):
                    if state.global_step == steps:
                        raise KeyboardInterrupt

                callbacks = [*([callback] if callback else []), stop]
                trainer = Trainer(model, arguments, train_dataset=Data(), eval_dataset=Data(), callbacks=callbacks)
                try:
                    trainer.train(resume_from_checkpoint=resume)
                except KeyboardInterrupt:
                    pass
                return [(line["step"], line.get("loss"), line.get("eval_loss")) for line in trainer.state.log_history if "loss" in line or "eval_loss" in line]

        name = self.run_name
        for strategies in (
            {"save_strategy": "epoch", "eval_strategy": "epoch"}, {"save_strategy": "no", "eval_strategy": "steps", "eval_steps": 2},
            {"save_strategy": "no", "eval_strategy": "epoch"}, {"save_strategy": "no", "eval_strategy": "no"},
        ):
            self.run_name = f"{name}-{len(self.chains)}"
            straight = train(99, None, None, strategies)
            train(8, CiuicCallback(self.chain(save_every_steps=4)), None, strategies)
            self.chains[-1].close()
            callback = CiuicCallback(self.chain(save_every_steps=4))
            resumed = train(99, callback, callback.checkpoint(), strategies)
            self.assertEqual(straight, resumed, strategies)

    def test_lightning(self):
        import pytorch_lightning as pl
        from pytorch_lightning.callbacks import ModelCheckpoint

        from ciuic_snapshot_chain.adapters.lightning import CiuicCheckpointIO

        class Model(pl.LightningModule):
            def __init__(self):
                super().__init__()
                self.save_hyperparameters()
                self.layer = torch.nn.Linear(8, 1)
                self.losses = []

            def training_step(self, batch, index):
                loss = self.layer(batch[0]).pow(2).mean()
                self.losses.append(loss.item())
                return loss

            def configure_optimizers(self):
                optimizer = torch.optim.Adam(self.parameters(), lr=1e-2)
                return [optimizer], [torch.optim.lr_scheduler.StepLR(optimizer, 2)]

        def fit(epochs, plugins, path, folder):
            torch.manual_seed(5)
            data = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.randn(24, 8)), batch_size=4)
            model = Model()
            trainer = pl.Trainer(
                max_epochs=epochs, logger=False, enable_progress_bar=False, enable_model_summary=False, plugins=plugins,
                callbacks=[ModelCheckpoint(folder, save_top_k=-1, every_n_epochs=1)] if plugins else [], enable_checkpointing=bool(plugins),
            )
            trainer.fit(model, data, ckpt_path=path)
            return model.losses

        with tempfile.TemporaryDirectory() as folder:
            straight = fit(4, [], None, folder)
            first = fit(2, [CiuicCheckpointIO(self.chain())], None, folder)
            self.assertEqual(straight[:12], first)
            self.chains[-1].finish()
            io = CiuicCheckpointIO(self.chain())
            self.assertEqual(straight[12:], fit(4, [io], io.latest(), folder))

    def test_torch_distributed_checkpoint(self):
        import torch.distributed.checkpoint as dcp

        from ciuic_snapshot_chain.adapters.dcp import CiuicReader, CiuicWriter

        model = torch.nn.Sequential(torch.nn.Linear(8, 4), torch.nn.BatchNorm1d(4)).to("cuda" if torch.cuda.is_available() else "cpu")
        state = {"model": model.state_dict(), "step": 7, "name": "x"}
        dcp.save(state, storage_writer=CiuicWriter(self.chain(), step=7))
        other = {"model": {k: torch.zeros_like(v) for k, v in state["model"].items()}, "step": 0, "name": ""}
        dcp.load(other, storage_reader=CiuicReader(self.chain()))
        self.assertEqual((7, "x"), (other["step"], other["name"]))
        for name, tensor in state["model"].items():
            self.assertTrue(torch.equal(tensor, other["model"][name]), name)

    @unittest.skipUnless(torch.cuda.is_available(), "no GPU")
    def test_gpu_tensors_are_what_they_were_when_the_save_began(self):
        torch.manual_seed(1)
        model = torch.nn.Sequential(*(torch.nn.Linear(1024, 1024) for _ in range(8))).cuda().bfloat16()
        optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
        chain, kept = self.chain(), []
        for step in range(1, 6):
            loss = model(torch.randn(64, 1024, device="cuda", dtype=torch.bfloat16)).float().pow(2).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            # Nothing waits for the GPU here: the copy must.
            chain.save_snapshot({"model": model, "optimizer": optimizer, "step": step, "view": model[0].weight[:, ::2]}, blocking=step == 5)
            kept = [p.detach().clone() for p in model.parameters()]
        loaded = chain.get_snapshot("latest")
        state = chain.load_model_state(loaded)
        for (name, saved), live in zip(state.items(), kept):
            self.assertTrue(torch.equal(saved.cuda(), live), name)
        self.assertTrue(torch.equal(chain.load(loaded, "view").cuda(), model[0].weight[:, ::2]))
        moments = chain.load_optimizer_state(loaded)["state"]
        self.assertTrue(torch.equal(moments[0]["exp_avg"].cuda(), optimizer.state_dict()["state"][0]["exp_avg"]))


if __name__ == "__main__":
    unittest.main()
