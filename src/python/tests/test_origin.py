"""A snapshot's parent is what its state was loaded from. On a real gateway."""

import unittest

import torch

import fakes

fakes.install()

from cases import ChainTestCase  # noqa: E402
from ciuic_snapshot_chain import InvalidInput  # noqa: E402
from ciuic_snapshot_chain.adapters import lightning  # noqa: E402


def state(step):
    weight = torch.full((3,), float(step), requires_grad=True)
    return {"model": {"w": weight.detach()}, "optimizer": torch.optim.SGD([weight], 0.1).state_dict(), "step": step}


class OriginTests(ChainTestCase):
    def setUp(self):
        super().setUp()
        with self.chain() as chain:
            chain.get_latest_snapshot()
            for step in (10, 20, 30):
                chain.save_snapshot(state(step), blocking=True)

    def parents(self):
        return {s.step: s.parent for s in self.chain().list_snapshots()}

    def test_of_one_that_was_resumed_from_it_is_the_head(self):
        with self.chain() as chain:
            latest = chain.get_latest_snapshot()
            chain.load_model_state(latest), chain.load_optimizer_state(latest)
            chain.load_model_state(chain.get_snapshot("step:10"))  # to compare with
            chain.save_snapshot(state(40), blocking=True)
        self.assertEqual(3, self.parents()[40])

    def test_of_one_that_was_loaded_by_a_reference_it_is_that_one(self):
        with self.chain() as chain:
            older = chain.get_snapshot("step:10")
            chain.load_model_state(older)
            chain.save_snapshot(state(11), blocking=True)
            chain.save_snapshot(state(12), blocking=True)
        self.assertEqual({10: 0, 20: 1, 30: 2, 11: 1, 12: 4}, self.parents())

    def test_going_back_in_the_middle_of_training_is_recorded(self):
        with self.chain() as chain:
            chain.get_latest_snapshot()
            chain.save_snapshot(state(40))
            spike = chain.get_snapshot("step:20")
            chain.load_model_state(spike), chain.load_optimizer_state(spike)
            chain.save_snapshot(state(21), blocking=True)
            self.assertEqual(21, chain.get_latest_snapshot().step)
        self.assertEqual((3, 2), (self.parents()[40], self.parents()[21]))

    def test_what_was_only_looked_at_moves_nothing_and_is_told_of(self):
        with self.chain() as chain:
            chain.get_latest_snapshot()
            chain.save_snapshot(state(40), blocking=True)
            chain.load_model_state(chain.get_snapshot("step:10"))
            with self.assertLogs("ciuic_snapshot_chain", "WARNING"):
                chain.save_snapshot(state(50), blocking=True)
            chain.go_on_from("step:20", "the learning rate was too high")
            chain.save_snapshot(state(22), blocking=True)
            labels = chain.get_snapshot("step:50").labels
        self.assertEqual({"ciuic.loaded": "#1"}, labels)
        self.assertEqual((3, 4, 2), (self.parents()[40], self.parents()[50], self.parents()[22]))

    def test_a_run_with_history_that_nobody_looked_at_is_not_continued_from_scratch(self):
        with self.chain() as chain:
            with self.assertRaises(InvalidInput) as caught:
                chain.save_snapshot(state(1))
            self.assertIn("get_latest_snapshot", str(caught.exception))
        with self.chain(settings={"Ciuic:Client:Resume": "Never"}) as chain:
            chain.save_snapshot(state(1), blocking=True)
        self.assertEqual(3, self.parents()[1])

    def test_a_rollback_holds_for_Lightning(self):
        def checkpoint(step):
            return {"state_dict": {"w": torch.full((2,), float(step))}, "global_step": step}

        self.run_name += "-pl"
        with self.chain() as chain:
            io = lightning.CiuicCheckpointIO(chain)
            for step in (10, 20, 30):
                io.save_checkpoint(checkpoint(step), f"/ck/step={step}.ckpt")
            io.teardown()
        self.chain().rollback("step:10", "diverged")
        with self.chain() as chain:
            io = lightning.CiuicCheckpointIO(chain)
            self.assertEqual("/ck/step=10.ckpt", io.latest())
            self.assertEqual(10, io.load_checkpoint(io.latest())["global_step"])
            self.assertEqual(20, io.load_checkpoint("/ck/step=20.ckpt")["global_step"])
            io.save_checkpoint(checkpoint(21), "/ck/step=21.ckpt")
            io.teardown()
            self.assertEqual("/ck/step=21.ckpt", io.latest())
        self.assertEqual(2, self.parents()[21])


if __name__ == "__main__":
    unittest.main()
