import argparse
import collections
import datetime
import json
import pathlib
import unittest

import numpy
import torch

from ciuic_snapshot_chain import UnsupportedValue, tree


Point = collections.namedtuple("Point", "x y")


def there_and_back(state):
    packed = tree.pack("item", state)
    return tree.unpack(packed.tensors, packed.bytes.get(tree.TREE), packed.tensors.__getitem__, packed.bytes.get(tree.METADATA), packed.bytes.__getitem__)


def golden_state():
    return {
        "a": [1, 2.5, None, True, "x"], "b": (2**60, float("inf")), 3: {"s": {4}, "z": frozenset([5])}, "c": 1j, "d": b"\0\1",
        "o": collections.OrderedDict(t=torch.ones(2)), "e": torch.empty(0, 3), "A": numpy.arange(2.0), "a4": numpy.arange(2, dtype="u4"),
        "n": numpy.float32(0.5), "dtype": torch.float16, "device": torch.device("cpu"), "size": torch.Size([1, 2]),
    }


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
            "scalar": numpy.float32(0.25), "array": numpy.arange(6, dtype="f8").reshape(2, 3), "words": numpy.arange(3, dtype="u4"), "many": numpy.arange(1 << 17, dtype="u8"), "large": numpy.arange(1 << 19, dtype="u2"),
            "zero": torch.empty(0, 3), "tensor": torch.arange(4.0), "alone": torch.tensor(7),
        }
        back = there_and_back(state)
        for key in state:
            self.assertTrue(same(state[key], back[key]), key)

    def test_a_module_needs_no_tree(self):
        packed = tree.pack("model", torch.nn.Linear(3, 2).state_dict())
        self.assertEqual(list(packed.tensors), ["weight", "bias"])
        self.assertEqual(list(packed.bytes), [tree.METADATA])
        self.assertEqual(tree.pack("model", dict(torch.nn.Linear(3, 2).state_dict())).bytes, {})

    def test_versions_of_modules_come_back_with_their_state_dictionaries(self):
        state = torch.nn.BatchNorm1d(2).state_dict()
        self.assertEqual(2, state._metadata[""]["version"])
        for back in (there_and_back(state), there_and_back({"nets": [state, 1]})["nets"][0]):
            self.assertEqual(state._metadata, back._metadata)
            self.assertEqual(list(state), list(back))

    def test_a_tensor_may_have_any_name(self):
        for name in tree.RESERVED:
            for state in ({name: torch.ones(1), "seed": 5}, collections.OrderedDict([(name, torch.ones(1))])):
                if isinstance(state, collections.OrderedDict):
                    state._metadata = collections.OrderedDict([("", {"version": 1})])
                packed = tree.pack("item", state)
                self.assertEqual(set(), set(packed.tensors) & set(packed.bytes))
                self.assertTrue(same(dict(state), dict(there_and_back(state))), name)

    def test_long_lists_of_numbers_are_their_bytes(self):
        for numbers in ([*range(1000)], [float(i) for i in range(1000)] + [float("nan"), -0.0], [2**63] * 100, [True] * 100, [1, 2.0] * 50):
            self.assertTrue(same(numbers, there_and_back({"x": numbers})["x"]), numbers[:2])

    def test_what_is_large_is_a_byte_item_and_in_no_text(self):
        state = {"x": [*range(10**5)], "y": {"z": b"\1" * 10**6}, "python~0": torch.ones(1), "python~1": torch.zeros(1)}
        packed = tree.pack("item", state)
        self.assertEqual([800_000, 1_000_000], [len(data) for name, data in packed.bytes.items() if name != tree.TREE])
        self.assertLess(len(packed.bytes[tree.TREE]), 200)
        self.assertEqual(set(), set(packed.tensors) & set(packed.bytes))
        self.assertTrue(same(state, there_and_back(state)))

    def test_functions_of_schedulers_are_left_to_whoever_loads_them(self):
        model = torch.nn.Linear(2, 2)
        for make in (
            lambda o: torch.optim.lr_scheduler.OneCycleLR(o, 0.1, total_steps=9), lambda o: torch.optim.swa_utils.SWALR(o, 0.1),
            lambda o: torch.optim.lr_scheduler.CyclicLR(o, 0.01, 0.1), lambda o: torch.optim.lr_scheduler.CyclicLR(o, 0.01, 0.1, scale_fn=lambda x: 1.0),
        ):
            optimizer = torch.optim.SGD(model.parameters(), 0.1, momentum=0.9)
            scheduler = make(optimizer)
            packed = tree.pack("scheduler", scheduler.state_dict(), drop_functions=True)
            back = tree.unpack(packed.tensors, packed.bytes[tree.TREE], packed.tensors.__getitem__)
            again = make(torch.optim.SGD(model.parameters(), 0.1, momentum=0.9))
            for _ in range(3):
                optimizer.step()
                scheduler.step()
            expected = scheduler.get_last_lr()
            again.load_state_dict(back)
            for _ in range(3):
                again.optimizer.step()
                again.step()
            self.assertEqual(expected, again.get_last_lr())

    def test_every_type_that_this_torch_has_is_kept_as_its_bytes(self):
        from ciuic_snapshot_chain import memory

        for name in memory.DTYPES:
            dtype = getattr(torch, name, None)
            if dtype is None:
                continue
            tensor = torch.arange(64, dtype=torch.uint8).view(dtype) if dtype is not torch.bool else torch.ones(4, dtype=torch.bool)
            packed = tree.pack("item", {"w": tensor})
            self.assertIs(packed.tensors["w"], tensor)
            self.assertEqual(name, memory.describe("w", memory.hold(tensor))["dtype"])
            self.assertEqual((dtype, (3,)), (memory.empty(name, [3]).dtype, tuple(memory.empty(name, [3]).shape)))

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
        for value, way_out in (
            (argparse.Namespace(lr=1), "vars(args)"), (pathlib.Path("x"), "str(path)"), (datetime.datetime.now(), "isoformat()"),
            (range(3), "list(values)"), (torch.Generator(), "get_state()"), (torch.nn.Linear(1, 1), "state_dict()"),
            (numpy.random.default_rng(), "bit_generator.state"), (numpy.array(["x"], dtype=object), "tolist()"), (Point(1, 2), "_asdict()"),
        ):
            with self.assertRaises(UnsupportedValue) as caught:
                tree.pack("model", {"a": value})
            self.assertIn(way_out, str(caught.exception))
        sparse = torch.ones(2, 2).to_sparse()
        with self.assertRaises(UnsupportedValue):
            tree.pack("model", {"a": sparse})

    def test_what_contains_itself_ends(self):
        state = {}
        state["self"] = state
        with self.assertRaises(UnsupportedValue):
            tree.pack("model", state)

    def test_nothing_that_is_read_can_run(self):
        from ciuic_snapshot_chain import Corrupt, InvalidInput

        for kind in ("L", "S"):
            with self.assertRaises((Corrupt, ValueError, AttributeError, InvalidInput)):
                tree.unpack([], json.dumps({kind: ["O", "AAAA"]}).encode(), lambda name: None)
        for hostile in ({"__reduce__": ["os.system", "x"]}, {"x": 1}, {"exec": "1"}):
            with self.assertRaises(Corrupt):
                tree.unpack([], json.dumps(hostile).encode(), lambda name: None)

    def test_the_bytes_stay_what_they_are(self):
        state = golden_state()
        state["long"] = [*range(64)]
        state["floats"] = [0.5] * 64
        state["words"] = numpy.zeros(1 << 18, dtype="u4")
        state["net"] = torch.nn.Linear(1, 1, bias=False).state_dict()
        state["net"]["weight"].fill_(2.0)
        made = tree.pack("item", state)
        text = made.bytes[tree.TREE] + b"\n" + "\n".join(made.tensors).encode() + b"\n" + tree.to_json(tree.scalar(torch.tensor(0.25))) + b"\n"
        path = pathlib.Path(__file__).parent / "golden" / "tree-2.txt"
        if not path.exists():
            path.write_bytes(text)
            self.fail(f"{path} was written: look at it, and commit it")
        self.assertEqual(path.read_bytes(), text)

    def test_what_earlier_versions_wrote_is_read(self):
        text, *names = (pathlib.Path(__file__).parent / "golden" / "tree.txt").read_bytes().splitlines()
        state = golden_state()
        held = {"o.t": state["o"]["t"], "A": torch.arange(2.0, dtype=torch.float64)}
        back = tree.unpack([], text, lambda name: held[name])
        self.assertEqual(set(held), {name.decode() for name in names})
        for key in state:
            self.assertTrue(same(state[key], back[key]), key)

    def test_names_are_never_given_twice(self):
        packed = tree.pack("item", {"a": {"b": torch.ones(1)}, "a.b": torch.zeros(1)})
        self.assertEqual(len(packed.tensors), 2)


if __name__ == "__main__":
    unittest.main()
