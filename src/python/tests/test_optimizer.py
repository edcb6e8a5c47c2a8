import json
import pathlib
import unittest

import torch

from ciuic_snapshot_chain import InvalidInput, optimizer, tree

GOLDEN = pathlib.Path(__file__).parent / "golden"


def trained(kind, **options):
    torch.manual_seed(1)
    model = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.Linear(2, 1))
    live = kind(model.parameters(), lr=0.01, **options)
    model(torch.ones(4, 3)).sum().backward()
    live.step()
    return live


def fields(live):
    return tree.pack("optimizer", live.state_dict()).tensors


class OptimizerTests(unittest.TestCase):
    def test_the_values_stay_what_they_are(self):
        for name, live, kind in (
            ("adamw", trained(torch.optim.AdamW, weight_decay=0.1), "AdamW"),
            ("adam-unknown", trained(torch.optim.Adam), None),
            ("sgd", trained(torch.optim.SGD, momentum=0.9), "SGD"),
        ):
            path = GOLDEN / f"optimizer-{name}.json"
            written = optimizer.write(live.state_dict(), kind)
            if not path.exists():
                path.write_bytes(written)
                self.fail(f"{path} was written: look at it, and commit it")
            self.assertEqual(path.read_bytes(), written, name)

    def test_what_is_written_is_read_into_an_optimizer_that_goes_on_alike(self):
        for kind, options in (
            (torch.optim.AdamW, {"weight_decay": 0.1, "betas": (0.8, 0.9)}), (torch.optim.Adam, {"amsgrad": True}), (torch.optim.SGD, {"momentum": 0.9}),
            (torch.optim.SGD, {}),
        ):
            live, other = trained(kind, **options), trained(kind)
            tensors = {name: tensor.clone() for name, tensor in fields(live).items()}  # newer versions of torch take them as they are
            other.load_state_dict(optimizer.read(optimizer.write(live.state_dict(), kind.__name__), list(tensors), tensors.__getitem__))
            for ours, theirs in zip(live.param_groups, other.param_groups):
                for name in set(ours) - {"params", "fused"}:
                    self.assertEqual(ours[name], theirs[name], name)
            before = [p.detach().clone() for p in live.param_groups[0]["params"]]
            for one in (live, other):
                for p, value in zip(one.param_groups[0]["params"], before):
                    p.data.copy_(value)
                    p.grad = torch.full_like(p, 0.5)
                one.step()
            for ours, theirs in zip(live.param_groups[0]["params"], other.param_groups[0]["params"]):
                self.assertTrue(torch.equal(ours, theirs), kind)

    def test_groups_keep_their_parameters_and_one_that_was_never_stepped_has_no_state(self):
        a, b, c = (torch.nn.Parameter(torch.ones(2)) for _ in range(3))
        live = torch.optim.AdamW([{"params": [a, b]}, {"params": [c], "lr": 0.5}])
        a.grad = torch.ones(2)
        live.step()
        values = json.loads(optimizer.write(live.state_dict(), "AdamW"))
        self.assertEqual(([2, 1], [1, 0, 0]), (values["counts"], [s["step"] for s in values["states"]]))
        tensors = fields(live)
        read = optimizer.read(json.dumps(values).encode(), list(tensors), tensors.__getitem__)
        self.assertEqual([[0, 1], [2]], [g["params"] for g in read["param_groups"]])
        self.assertEqual([0], list(read["state"]))
        del values["counts"]
        with self.assertRaises(InvalidInput):
            optimizer.read(json.dumps(values).encode(), list(tensors), tensors.__getitem__)

    def test_others_are_saved_for_python_alone(self):
        self.assertIsNone(optimizer.write(trained(torch.optim.RMSprop).state_dict(), None))
        self.assertIsNone(optimizer.write(trained(torch.optim.AdamW).state_dict(), "mine.Adam"))
        self.assertFalse(optimizer.is_state({"state": {}}))

    def test_what_torch_has_no_state_for_is_named(self):
        for text in ('[{"type":"StepLR","fields":{}}]', '{"type":"LBFGS","learning_rates":[0.01]}'):
            with self.assertRaises(InvalidInput):
                optimizer.read(text.encode(), [], {}.__getitem__)

    def test_decoupled_decay_tells_the_class_and_must_fit_it(self):
        state = trained(torch.optim.AdamW).state_dict()
        state["param_groups"][0]["decoupled_weight_decay"] = True
        self.assertEqual("AdamW", json.loads(optimizer.write(state, None))["type"])
        self.assertIsNone(optimizer.write(state, "Adam"))

    def test_a_class_is_that_of_torch_or_somebodys_own(self):
        class Mine(torch.optim.Adam):
            pass

        self.assertEqual("AdamW", optimizer.kind_of(trained(torch.optim.AdamW)))
        self.assertIn("Mine", optimizer.kind_of(trained(Mine)))


if __name__ == "__main__":
    unittest.main()
