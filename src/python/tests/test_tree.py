import collections
import json
import pathlib
import unittest

import numpy
import torch

from ciuic_snapshot_chain import UnsupportedValue, tree


def there_and_back(state):
    packed = tree.pack("item", state)
    return tree.unpack(packed.tensors, packed.bytes.get(tree.TREE), packed.tensors.__getitem__)


def same(a, b):
    if tree.is_tensor(a):
        return tree.is_tensor(b) and a.dtype == b.dtype and a.shape == b.shape and a.numpy().tobytes() == b.numpy().tobytes()
    if tree.is_array(a):
        return tree.is_array(b) and a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    if isinstance(a, dict):
        return type(a) is type(b) and list(a) == list(b) and all(same(a[k], b[k]) for k in a)
    if isinstance(a, (list, tuple)):
        return type(a) is type(b) and len(a) == len(b) and all(same(x, y) for x, y in zip(a, b))
    return type(a) is type(b) and (a == b or a != a)


class TreeTests(unittest.TestCase):
    def test_values_come_back_as_they_were(self):
        state = {
            "none": None, "yes": True, "int": -5, "big": 2**80, "float": 0.1, "nan": float("nan"), "inf": -float("inf"),
            "text": "ä\n\0", "bytes": b"\0\xff", "list": [1, [2, (3, "x")]], "tuple": (), "set": {1, 2}, "frozen": frozenset("ab"),
            "complex": 1 - 2j, 3: "int key", (1, "a"): "tuple key", "ordered": collections.OrderedDict(b=1, a=2),
            "dtype": torch.bfloat16, "device": torch.device("cpu"), "size": torch.Size([2, 3]),
            "scalar": numpy.float32(0.25), "array": numpy.arange(6, dtype="f8").reshape(2, 3), "words": numpy.arange(3, dtype="u4"),
            "zero": torch.empty(0, 3), "tensor": torch.arange(4.0), "alone": torch.tensor(7),
        }
        back = there_and_back(state)
        for key in state:
            self.assertTrue(same(state[key], back[key]), key)

    def test_a_module_needs_no_tree(self):
        packed = tree.pack("model", torch.nn.Linear(3, 2).state_dict())
        self.assertEqual(list(packed.tensors), ["weight", "bias"])
        self.assertEqual(packed.bytes, {})

    def test_an_optimizer_is_named_as_TorchSharp_names_it(self):
        model = torch.nn.Linear(3, 2)
        optimizer = torch.optim.AdamW(model.parameters())
        model(torch.ones(1, 3)).sum().backward()
        optimizer.step()
        packed = tree.pack("optimizer", optimizer.state_dict())
        self.assertEqual({"0.step", "0.exp_avg", "0.exp_avg_sq", "1.step", "1.exp_avg", "1.exp_avg_sq"}, set(packed.tensors))
        self.assertTrue(same(optimizer.state_dict(), there_and_back(optimizer.state_dict())))

    def test_what_cannot_be_saved_is_named_by_its_keys(self):
        for value in (lambda: 1, object(), ValueError("x"), torch.nn.Linear(1, 1), numpy.array(["x"], dtype=object)):
            with self.assertRaises(UnsupportedValue) as caught:
                tree.pack("model", {"a": [0, {"b": value}]})
            self.assertIn("model['a'][1]['b']", str(caught.exception))
        sparse = torch.ones(2, 2).to_sparse()
        with self.assertRaises(UnsupportedValue):
            tree.pack("model", {"a": sparse})

    def test_what_contains_itself_ends(self):
        state = {}
        state["self"] = state
        with self.assertRaises(UnsupportedValue):
            tree.pack("model", state)

    def test_nothing_that_is_read_can_run(self):
        from ciuic_snapshot_chain import Corrupt

        for hostile in ({"__reduce__": ["os.system", "x"]}, {"x": 1}, {"exec": "1"}):
            with self.assertRaises(Corrupt):
                tree.unpack([], json.dumps(hostile).encode(), lambda name: None)

    def test_the_bytes_stay_what_they_are(self):
        state = {
            "a": [1, 2.5, None, True, "x"], "b": (2**60, float("inf")), 3: {"s": {4}, "z": frozenset([5])}, "c": 1j, "d": b"\0\1",
            "o": collections.OrderedDict(t=torch.ones(2)), "e": torch.empty(0, 3), "A": numpy.arange(2.0), "a4": numpy.arange(2, dtype="u4"),
            "n": numpy.float32(0.5), "dtype": torch.float16, "device": torch.device("cpu"), "size": torch.Size([1, 2]),
        }
        made = tree.pack("item", state)
        text = made.bytes[tree.TREE] + b"\n" + "\n".join(made.tensors).encode() + b"\n"
        path = pathlib.Path(__file__).parent / "golden" / "tree.txt"
        if not path.exists():
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(text)
            self.fail(f"{path} was written: look at it, and commit it")
        self.assertEqual(path.read_bytes(), text)

    def test_names_are_never_given_twice(self):
        packed = tree.pack("item", {"a": {"b": torch.ones(1)}, "a.b": torch.zeros(1)})
        self.assertEqual(len(packed.tensors), 2)


if __name__ == "__main__":
    unittest.main()
