"""On a real gateway: CIUIC_TEST_CONFIG names its configuration."""

import json
import os
import random
import signal
import struct
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
import unittest

import numpy
import torch

from cases import CONFIG, SAID, ChainTestCase
from ciuic_snapshot_chain import CiuicSnapshotChain, Conflict, InvalidInput, NotFound, UnsupportedValue


def trained(seed=1, kind=torch.optim.AdamW):
    torch.manual_seed(seed)
    model = torch.nn.Sequential(torch.nn.Linear(20, 30), torch.nn.BatchNorm1d(30), torch.nn.Linear(30, 5))
    optimizer = kind(model.parameters(), lr=0.01)
    step(model, optimizer)
    return model, optimizer


def step(model, optimizer):
    loss = model(torch.randn(8, 20)).pow(2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()


class ChainTests(ChainTestCase):
    def assert_same(self, a, b):
        self.assertEqual(list(a), list(b))
        for key in a:
            self.assertTrue(torch.equal(a[key], b[key]) and a[key].dtype == b[key].dtype, key)

    def test_there_is_nothing_before_the_first_save(self):
        self.assertIsNone(self.chain().get_latest_snapshot())

    def test_everything_comes_back_bit_for_bit_and_training_goes_on_alike(self):
        model, optimizer = trained()
        scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 10)
        first = self.chain()
        first.save_snapshot(
            {"model_state_dict": model.state_dict(), "optimizer": optimizer, "scheduler": scheduler, "epoch": 3, "batch_idx": 7, "loss": 0.5},
            blocking=True,
        )
        first.close()
        expected = [step(model, optimizer), random.random(), numpy.random.rand()]

        other, other_optimizer = trained(2)
        second = self.chain()
        snapshot = second.get_latest_snapshot()
        self.assertEqual((snapshot["epoch"], snapshot.batch_idx, snapshot["loss"], snapshot.metrics), (3, 7, 0.5, {"loss": 0.5}))
        self.assertRegex(snapshot["timestamp"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d")
        other.load_state_dict(second.load_model_state(snapshot))
        other_optimizer.load_state_dict(second.load_optimizer_state(snapshot))
        self.assertEqual(second.load_scheduler_state(snapshot), scheduler.state_dict())
        self.assertEqual([step(other, other_optimizer), random.random(), numpy.random.rand()], expected)
        self.assert_same(model.state_dict(), other.state_dict())
        self.assertEqual(set(second.load_state(snapshot)), {"model_state_dict", "optimizer", "scheduler", "epoch", "batch_idx", "loss"})

    def test_every_type_of_tensor_and_every_layout(self):
        values = torch.arange(24).reshape(4, 6)
        tensors = {str(d)[6:]: values.to(d) for d in (
            torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64, torch.float16, torch.bfloat16, torch.float32, torch.float64,
            torch.complex64, torch.complex128, torch.bool)}
        tensors.update(transposed=values.float().t(), strided=values.float()[::2, 1::2], scalar=torch.tensor(2.5), empty=torch.empty(0, 2),
                       conjugate=torch.tensor([1 + 2j]).conj(), grad=torch.ones(3, requires_grad=True))
        chain = self.chain()
        chain.save_snapshot({"mine": tensors}, blocking=True)
        self.assert_same({k: v.detach().resolve_conj() for k, v in tensors.items()}, chain.load(chain.get_snapshot(), "mine"))

    def test_saves_go_on_in_the_background_and_change_nothing_that_was_staged(self):
        chain = self.chain()
        weights = torch.zeros(1_000_000)
        handles = []
        for number in range(1, 4):
            weights.fill_(number)
            handles.append(chain.save_snapshot({"model": {"w": weights}}))
            handles[-1].wait()
        weights.fill_(-1)
        self.assertEqual([h.result()["sequence"] for h in handles], [1, 2, 3])
        self.assertEqual([s.sequence for s in chain.list_snapshots()], [3, 2, 1])
        for number in (1, 2, 3):
            self.assertEqual(chain.load_model_state(chain.get_snapshot(number))["w"].unique().item(), number)

    def test_the_newest_snapshot_is_the_newest_one_while_training_goes_on_too(self):
        chain = self.chain()
        self.assertIsNone(chain.get_latest_snapshot())
        self.assertIsNone(chain.get_latest_snapshot())
        for number in (1, 2):
            chain.save_snapshot({"model": {"w": torch.ones(3)}, "step": number}, blocking=True)
            before = random.getstate()
            self.assertEqual(chain.get_latest_snapshot().step, number)
            self.assertEqual(random.getstate(), before)

    def test_a_resumed_snapshot_stays_what_it_is_while_others_are_saved(self):
        first = self.chain()
        first.save_snapshot({"model": {"w": torch.full((100_000,), 1.0)}}, blocking=True)
        first.close()
        chain = self.chain()
        resumed = chain.get_latest_snapshot()
        for number in (2.0, 3.0, 4.0):
            chain.save_snapshot({"model": {"w": torch.full((100_000,), number)}}, blocking=True)
        self.assertEqual(chain.load_model_state(resumed)["w"].unique().item(), 1.0)
        chain.save_snapshot({"model": chain.load_model_state(resumed)}, blocking=True)  # back to the bytes of before
        self.assertEqual(chain.load_model_state(chain.get_latest_snapshot())["w"].unique().item(), 1.0)

    def test_tracked_objects_without_tensors_are_resumed_too(self):
        model, optimizer = trained(kind=torch.optim.SGD)
        scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 2)
        with CiuicSnapshotChain({**SAID, "save_every_steps": 1}, self.run_name) as first:
            first.track(model=model, opt=optimizer, sched=scheduler).resume()
            scheduler.step()
            first.step()
        other, other_optimizer = trained(2, torch.optim.SGD)
        other_scheduler = torch.optim.lr_scheduler.StepLR(other_optimizer, 2)
        self.chain().track(model=other, opt=other_optimizer, sched=other_scheduler).resume()
        self.assertEqual(other_scheduler.state_dict(), scheduler.state_dict())

    def test_the_gil_is_not_held(self):
        chain = self.chain()
        state = {"model": {"w": torch.rand(20_000_000)}}
        chain.save_snapshot({"model": {"w": torch.rand(20_000_000)}}, blocking=True)
        counted, running = [0], [True]

        def count():
            while running[0]:
                counted[0] += 1
                time.sleep(0)

        thread = threading.Thread(target=count)
        thread.start()
        try:
            before = counted[0]
            chain.save_snapshot(state, blocking=True)
            self.assertGreater(counted[0] - before, 100)
        finally:
            running[0] = False
            thread.join()

    def test_what_cannot_be_saved_is_named_and_nothing_is_begun(self):
        chain = self.chain()
        with self.assertRaises(UnsupportedValue) as caught:
            chain.save_snapshot({"model": {"a": torch.ones(1), "hook": print}})
        self.assertIn("model['hook']", str(caught.exception))
        self.assertIsNone(chain.get_latest_snapshot())

    def test_tracked_objects_are_saved_when_due_and_resumed(self):
        model, optimizer = trained()
        first = CiuicSnapshotChain({**SAID, "save_every_steps": 2}, self.run_name)
        self.chains.append(first)
        self.assertIsNone(first.track(model=model, optimizer=optimizer).resume())
        handles = [first.step({"loss": step(model, optimizer)}) for _ in range(4)]
        self.assertEqual([h is not None for h in handles], [False, True, False, True])
        first.finish()
        first.close()
        other, other_optimizer = trained(2)
        second = self.chain().track(model=other, optimizer=other_optimizer)
        self.assertEqual(second.resume().step, 4)
        torch.manual_seed(7)
        expected = step(model, optimizer)
        torch.manual_seed(7)
        self.assertEqual(step(other, other_optimizer), expected)

    def test_a_snapshot_is_found_rolled_back_to_verified_and_exported(self):
        chain = self.chain()
        for number in (10, 20):
            chain.save_snapshot({"model": {"w": torch.full((5,), float(number))}, "step": number}, blocking=True)
        self.assertEqual(chain.get_snapshot("step:10").sequence, 1)
        self.assertEqual(chain.verify(1).step, 10)
        with self.assertRaises(NotFound):
            chain.get_snapshot("step:11")
        with self.assertRaises(Conflict):
            chain.rollback(1, "too early")
        chain.close()
        again = self.chain()
        self.assertEqual(again.rollback(1, "the loss rose").step, 10)
        self.assertEqual(again.get_latest_snapshot().step, 10)
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "model.safetensors")
            again.export("latest", path)
            with open(path, "rb") as file:
                data = file.read()
            length = struct.unpack("<Q", data[:8])[0]
            header = json.loads(data[8 : 8 + length])
            self.assertEqual(header["w"], {"dtype": "F32", "shape": [5], "data_offsets": [0, 20]})
            self.assertEqual(numpy.frombuffer(data[8 + length :], "<f4").tolist(), [10.0] * 5)

    def test_a_file_with_the_ending_of_torchs_is_loaded_by_torch(self):
        model = torch.nn.Linear(2, 2)
        optimizer = torch.optim.AdamW(model.parameters(), lr=0.123)
        model(torch.ones(1, 2)).sum().backward()
        optimizer.step()
        chain = self.chain()
        chain.save_snapshot({"model": model, "optimizer": optimizer, "step": 1}, blocking=True)
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "a.pt")
            chain.export("latest", path)
            self.assertTrue(torch.equal(model.weight, torch.load(path)["weight"]))
            chain.export("latest", path, "optimizer")
            self.assertEqual(0.123, torch.load(path)["param_groups"][0]["lr"])
            self.assertEqual(["a.pt"], os.listdir(folder))
            with self.assertRaises(InvalidInput):
                chain.export("latest", os.path.join(folder, "nowhere", "a.pt"))

    def test_a_second_trainer_is_refused(self):
        first = self.chain()
        first.get_latest_snapshot()
        code = f"from ciuic_snapshot_chain import *\nCiuicSnapshotChain({CONFIG!r}, {self.run_name!r}).get_latest_snapshot()"
        second = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        self.assertIn("Conflict", second.stderr)
        self.assertIn("is being trained by", second.stderr)

    def test_SIGTERM_ends_workers_that_were_forked_and_a_program_that_waits_for_its_run(self):
        program = textwrap.dedent(f"""
            import os, signal, sys, time
            from ciuic_snapshot_chain import CiuicSnapshotChain
            chain = CiuicSnapshotChain({CONFIG!r}, {self.run_name!r})
            child = os.fork()
            if child == 0:
                time.sleep(60)
                os._exit(0)
            time.sleep(0.2)
            os.kill(child, signal.SIGTERM)
            assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGTERM
            print("waiting", flush=True)
            chain.get_latest_snapshot()
        """)
        first = self.chain()
        first.save_snapshot({"model": torch.nn.Linear(2, 2)}, blocking=True)
        settings = {**SAID, "settings": {"Ciuic:Client:WhenLeased": "Wait"}}  # the first one has it
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            json.dump(settings, file)
            file.flush()
            process = subprocess.Popen([sys.executable, "-c", program.replace(repr(CONFIG), repr(file.name))], stdout=subprocess.PIPE, text=True)
            self.assertEqual("waiting\n", process.stdout.readline())
            time.sleep(1)
            begin = time.monotonic()
            process.send_signal(signal.SIGTERM)
            self.assertEqual(128 + signal.SIGTERM, process.wait(20))
            self.assertLess(time.monotonic() - begin, 5)
            process.stdout.close()

    def test_ranks_of_torch_distributed_save_together(self):
        program = textwrap.dedent(f"""
            import sys, torch
            from ciuic_snapshot_chain import CiuicSnapshotChain
            torch.distributed.init_process_group("gloo", init_method="file://" + sys.argv[1], rank=int(sys.argv[2]), world_size=2)
            with CiuicSnapshotChain({CONFIG!r}, {self.run_name!r}) as chain:
                latest = chain.get_latest_snapshot()
                print(latest and (latest["step"], chain.load_model_state(latest)["w"].tolist()), flush=True)
                chain.save_snapshot({{"model": {{"w": torch.arange(3.0)}}, "step": (latest["step"] if latest else 0) + 1}}, blocking=True)
        """)
        with tempfile.TemporaryDirectory() as folder:
            for start, seen in ((1, "None"), (2, "(1, [0.0, 1.0, 2.0])")):
                ranks = [
                    subprocess.Popen([sys.executable, "-c", program, f"{folder}/{start}", str(rank)], stdout=subprocess.PIPE, text=True)
                    for rank in range(2)
                ]
                for rank in ranks:
                    out, _ = rank.communicate(timeout=120)
                    self.assertEqual((0, seen), (rank.returncode, out.strip()))
        self.assertEqual([2, 1], [s.step for s in self.chain().list_snapshots()])

    def test_SIGTERM_saves_once_more_waits_for_the_commit_and_ends(self):
        code = textwrap.dedent(f"""
            import time, torch
            from ciuic_snapshot_chain import CiuicSnapshotChain
            chain = CiuicSnapshotChain({CONFIG!r}, {self.run_name!r})
            chain.get_latest_snapshot()
            for step in range(1, 10_000):
                time.sleep(0.05)
                print(step, flush=True)
                if chain.should_save(step) and step > 1 or step == 1:
                    chain.save_snapshot({{"model": {{"w": torch.full((3,), float(step))}}, "step": step}})
        """)
        process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
        for line in process.stdout:
            if line.strip() == "5":
                process.send_signal(signal.SIGTERM)
                break
        last = int(([line.strip()] + process.stdout.read().split())[-1])
        self.assertEqual(process.wait(), 0)
        process.stdout.close()
        self.assertEqual(self.chain().get_latest_snapshot().step, last)


if __name__ == "__main__":
    unittest.main()
