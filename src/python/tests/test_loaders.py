"""Where training is in its data comes back, with the loaders that everybody has. On a real gateway."""

import pathlib
import random
import unittest

import numpy
import torch

from cases import ChainTestCase


class Noisy(torch.utils.data.Dataset):
    """Draws from every generator that a transform may draw from."""

    def __len__(self):
        return 24

    def __getitem__(self, i):
        return i, torch.rand(()).item(), random.random(), numpy.random.rand()


def epochs(loader, chain, start, seen, stop, save, batches):
    """The loop of the README; ends in the middle where it is told to."""
    taken = 0
    for epoch in range(start, 3):
        for batch_idx, batch in batches(epoch):
            seen.append((epoch, [p.tolist() for p in batch], torch.rand(()).item()))  # dropout
            taken += 1
            if save:
                chain.save_snapshot({"model": {"w": torch.ones(1)}, "epoch": epoch, "batch_idx": batch_idx})
            if taken == stop:
                return


class LoaderTests(ChainTestCase):
    def train(self, make, stop=None, own_skip=False, name=""):
        chain = self.chain()
        torch.manual_seed(0), random.seed(0), numpy.random.seed(0)
        latest, seen, loader = chain.get_latest_snapshot(), [], make()
        start, begin = (latest["epoch"], latest["batch_idx"] + 1) if latest else (0, 0)

        def skipping(epoch):
            for number, batch in enumerate(loader):
                if epoch > start or number >= begin:
                    yield number, batch

        epochs(loader, chain, start, seen, stop, True, skipping if own_skip else lambda epoch: chain.batches(loader))
        chain.close()
        return seen

    def check(self, make, own_skip=False):
        name = self.run_name
        self.run_name = name + "-straight"
        straight = self.train(make, None, own_skip)
        for stop in (1, 4, 6, 7):
            self.run_name = f"{name}-{stop}"
            first = self.train(make, stop, own_skip)
            self.assertEqual(straight, first + self.train(make, None, own_skip), stop)

    def test_shuffled(self):
        self.check(lambda: torch.utils.data.DataLoader(Noisy(), 4, shuffle=True))

    def test_shuffled_and_skipped_by_the_loop_itself(self):
        self.check(lambda: torch.utils.data.DataLoader(Noisy(), 4, shuffle=True), own_skip=True)

    def test_in_order(self):
        self.check(lambda: torch.utils.data.DataLoader(Noisy(), 4), own_skip=True)

    def test_with_workers(self):
        self.check(lambda: torch.utils.data.DataLoader(Noisy(), 4, shuffle=True, num_workers=1))

    def test_with_a_generator_of_its_own(self):
        self.check(lambda: torch.utils.data.DataLoader(Noisy(), 4, shuffle=True, generator=torch.Generator().manual_seed(5)))

    def test_any_iterable(self):
        class Mine:
            def __iter__(self):
                order = numpy.random.permutation(6)
                return iter([(torch.tensor([i]),) for i in order])

        self.check(Mine)

    def test_two_loaders_side_by_side(self):
        class Both:
            def __init__(self):
                self.loaders = [torch.utils.data.DataLoader(Noisy(), size, shuffle=True) for size in (4, 3)]

            def __iter__(self):
                return ((*a, *b) for a, b in zip(*self.loaders))

        self.check(Both, own_skip=True)

    def test_another_loader_is_left_alone(self):
        chain = self.chain()
        train, validate = torch.utils.data.DataLoader(Noisy(), 4, shuffle=True), torch.utils.data.DataLoader(range(8), 4)
        for number, _ in chain.batches(train):
            if number == 2:
                chain.save_snapshot({"model": {"w": torch.ones(1)}, "batch_idx": 2}, blocking=True)
                break
        chain.close()
        chain = self.chain()
        chain.get_latest_snapshot()
        self.assertEqual([0, 1], [number for number, _ in chain.batches(validate)])
        self.assertEqual([3, 4, 5], [number for number, _ in chain.batches(train)])
        self.assertEqual([0, 1, 2, 3, 4, 5], [number for number, _ in chain.batches(train)])

    def test_it_can_be_switched_off(self):
        chain = self.chain(follow_loaders=False)
        for number, _ in chain.batches(torch.utils.data.DataLoader(range(8), 4)):
            chain.save_snapshot({"model": {"w": torch.ones(1)}}, blocking=True)
        self.assertNotIn("loaders", chain.get_snapshot()._items)

    def test_the_loop_of_the_README_goes_on_in_the_middle_of_a_shuffled_epoch(self):
        text = (pathlib.Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
        loop = text[text.index("```python") + 9 :].split("```")[0].replace('CiuicSnapshotChain("ciuic_config.json")', "chain")
        loop = loop.replace("        ...\n", "        loss = trained(batch)\n").replace("from ciuic_snapshot_chain import CiuicSnapshotChain", "")

        class Stop(Exception):
            pass

        def train(stop):
            torch.manual_seed(3)
            model = torch.nn.Sequential(torch.nn.Linear(1, 4), torch.nn.Dropout(), torch.nn.Linear(4, 1))
            optimizer = torch.optim.Adam(model.parameters())
            loader = torch.utils.data.DataLoader(torch.arange(20.0).reshape(20, 1), 4, shuffle=True)

            def trained(batch):
                if len(losses) == stop:
                    raise Stop
                loss = model(batch).pow(2).mean()
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                losses.append(loss.item())
                return loss

            losses, chain = [], self.chain(save_every_steps=1)
            try:
                exec(loop, {"chain": chain, "model": model, "optimizer": optimizer, "loader": loader, "epochs": 3, "trained": trained})
            except Stop:
                pass
            chain.close()
            return losses

        name = self.run_name
        self.run_name += "-straight"
        straight = train(None)
        self.run_name = name
        self.assertEqual(straight, train(7) + train(None))

    def test_generators_are_put_back_again_when_the_model_is_made_after_them(self):
        def draw(chain):
            latest = chain.get_latest_snapshot()
            model = torch.nn.Linear(50, 50)
            if latest:
                model.load_state_dict(chain.load_model_state(latest))
            return model, latest

        first = self.chain()
        model, _ = draw(first)
        first.save_snapshot({"model": model}, blocking=True)
        expected = torch.rand(3).tolist()
        first.close()
        torch.manual_seed(99)
        second = self.chain()
        _, latest = draw(second)
        self.assertEqual(expected, torch.rand(3).tolist())
        list(torch.utils.data.DataLoader(range(3)))  # training has begun
        before = torch.get_rng_state()
        second.load_model_state(latest)
        self.assertTrue(torch.equal(before, torch.get_rng_state()))


if __name__ == "__main__":
    unittest.main()
