"""What people save comes back exactly, or is refused at once by their own path. On a real gateway."""

import argparse
import subprocess
import sys
import textwrap
import unittest
import unittest.mock

import numpy
import torch

from cases import CONFIG, ChainTestCase
from ciuic_snapshot_chain import InvalidInput, MissingValue, UnsupportedValue, naming

MODEL = {"model": {"w": torch.ones(2)}}


class ValueTests(ChainTestCase):
    def test_steps_and_epochs_of_any_whole_number(self):
        chain = self.chain()
        for step in (numpy.int64(3), torch.tensor(5), numpy.array(7), 9):
            chain.save_snapshot({**MODEL, "global_step": step, "epoch": numpy.int32(step)}, blocking=True)
        chain.save_snapshot({**MODEL, "epoch": 2.75}, step=numpy.uint8(11), blocking=True)
        listed = chain.list_snapshots()
        self.assertEqual([(11, 2), (9, 9), (7, 7), (5, 5), (3, 3)], [(s.step, s.epoch) for s in listed])
        self.assertEqual(2.75, chain.get_snapshot()["epoch"])

    def test_what_is_no_step_is_refused_by_its_place_and_forgotten(self):
        chain = self.chain()
        for step in (True, 1.5, "7", -1, 2**63, torch.tensor(1.0)):
            for state, more in (({**MODEL, "step": step}, {}), (MODEL, {"step": step})):
                with self.assertRaises(InvalidInput) as caught:
                    chain.save_snapshot(state, **more)
                self.assertIn("step", str(caught.exception))
        self.assertEqual(1, chain.save_snapshot(MODEL, blocking=True).step)

    def test_losses_of_any_kind_are_metrics_and_values(self):
        chain = self.chain()
        given = {
            "loss": torch.tensor(0.5, requires_grad=True), "half": torch.tensor(0.25, dtype=torch.bfloat16), "numpy": numpy.float32(0.125),
            "nan": float("nan"), "up": float("inf"), "down": numpy.float64("-inf"), "count": torch.tensor(3),
        }
        chain.save_snapshot({**MODEL, **given}, blocking=True)
        snapshot = chain.get_snapshot()
        self.assertEqual({"loss": 0.5, "half": 0.25, "numpy": 0.125, "up": float("inf"), "down": -float("inf")}, {k: v for k, v in snapshot.metrics.items() if v == v})
        self.assertNotEqual(snapshot.metrics["nan"], snapshot.metrics["nan"])
        self.assertEqual((torch.bfloat16, 0.25), (snapshot["half"].dtype, snapshot["half"].item()))
        self.assertEqual((numpy.float32, 0.125), (type(snapshot["numpy"]), snapshot["numpy"]))
        self.assertEqual((torch.int64, 3), (snapshot["count"].dtype, snapshot["count"].item()))
        self.assertEqual(set(given) | {"model"}, set(chain.load_state(snapshot)))
        listed = chain.list_snapshots()[0].metrics
        self.assertEqual(set(snapshot.metrics), set(listed))

    def test_metrics_of_a_step_may_be_whole_numbers(self):
        chain = self.chain(save_every_steps=1)
        chain.track(model=torch.nn.Linear(1, 1))
        chain.step({"hits": 7, "loss": torch.tensor(0.5)})
        chain.finish()
        self.assertEqual({"hits": 7.0, "loss": 0.5}, chain.list_snapshots()[0].metrics)

    def test_labels_that_are_no_text_are_refused_by_their_names(self):
        chain = self.chain()
        for value in (None, 1, b"x", "\ud800"):
            with self.assertRaises(InvalidInput) as caught:
                chain.save_snapshot(MODEL, labels={"note": value})
            self.assertIn("note", str(caught.exception))
        self.assertIsNone(chain.get_latest_snapshot())

    def test_places_are_the_callers_own(self):
        chain, loop = self.chain(), {}
        loop["me"] = loop
        for state, said in (
            ({**MODEL, "args": argparse.Namespace(lr=1)}, "args is a argparse.Namespace"), (torch.nn.Linear(1, 1), "A state is a dictionary"),
            ({**MODEL, "x": loop}, "'x'"), ({**MODEL, "\ud800": 1}, "key"), ({"model_state": {"a": print}}, "model_state['a']"),
        ):
            for refuse in (chain.check, chain.save_snapshot):
                with self.assertRaises(InvalidInput) as caught:
                    refuse(state)
                self.assertIn(said, str(caught.exception))
        chain.check({**MODEL, "step": 1, "loss": 0.5})
        with self.assertRaises(UnsupportedValue):
            chain.track(thing=type("Thing", (), {"state_dict": lambda self: {"a": print}, "load_state_dict": lambda self, state: None})())
        self.assertIsNone(chain.get_latest_snapshot())

    def test_a_key_that_names_a_state_is_told_how_to_read_it(self):
        chain = self.chain()
        model = torch.nn.Linear(1, 1)
        chain.save_snapshot({"model_state_dict": model.state_dict(), "scheduler": {"last_epoch": 3}, "ema": {"w": torch.ones(1)}}, blocking=True)
        snapshot = chain.get_snapshot()
        for key, said in (
            ("model_state_dict", "load_model_state(snapshot)"), ("scheduler", "load_scheduler_state(snapshot)"), ("ema", "load(snapshot, 'ema')"), ("lr", "batch_idx"),
        ):
            with self.assertRaises(MissingValue) as caught:
                snapshot[key]
            self.assertIn(said if key != "lr" else "it has", str(caught.exception))
            self.assertIsInstance(caught.exception, KeyError)
            self.assertNotIn(key, snapshot)

    def test_times_of_one_snapshot_are_one(self):
        with self.chain() as chain:
            chain.save_snapshot(MODEL, blocking=True)
        chain = self.chain()
        times = {chain.get_latest_snapshot().timestamp, chain.get_snapshot().timestamp, chain.list_snapshots()[0].timestamp}
        self.assertEqual(1, len(times), times)

    def test_programs_of_one_name_have_runs_of_their_own(self):
        import pathlib
        import tempfile

        program = textwrap.dedent(f"""
            import json, torch
            from ciuic_snapshot_chain import CiuicSnapshotChain
            said = json.load(open({CONFIG!r}))
            said.pop("run", None)
            with CiuicSnapshotChain(said) as chain:
                latest = chain.get_latest_snapshot()
                print(chain.run, latest and latest.step)
                chain.save_snapshot({{"model": {{"w": torch.ones(1)}}}})
        """)
        with tempfile.TemporaryDirectory() as folder:
            seen = []
            for project in ("a", "b", "a"):
                path = pathlib.Path(folder, project, "train.py")
                path.parent.mkdir(exist_ok=True)
                path.write_text(program)
                ended = subprocess.run([sys.executable, path.name], cwd=path.parent, capture_output=True, text=True)
                self.assertIn(str(path), ended.stderr)
                seen.append(ended.stdout.split())
        self.assertRegex(seen[0][0], "^train-[0-9a-f]{12}$")
        self.assertEqual([(seen[0][0], "None"), ("None"), (seen[0][0], "1")], [tuple(seen[0]), seen[1][1], tuple(seen[2])])
        self.assertNotEqual(seen[0][0], seen[1][0])

    def test_any_program_has_a_name_that_runs_may_have(self):
        main = sys.modules["__main__"]
        for file in ("/x/训练.py", "/x/.hidden.py", "/x/" + "y" * 200 + ".py", "/x/a b.py"):
            with unittest.mock.patch.object(main, "__file__", file):
                self.assertEqual(naming.check_run(naming.default_run()), naming.default_run())
        for bad in ("a b", "", ".x", "ä", "x" * 101, 7):
            with self.assertRaises(InvalidInput):
                naming.check_run(bad)


if __name__ == "__main__":
    unittest.main()
