"""Times torch.save, torch.load and torch.distributed.checkpoint on tensors handed over as files; prints JSON."""

import importlib.machinery
import importlib.util
import json
import os
import shutil
import sys
import time

import torch


class MutableDefault(importlib.machinery.SourceFileLoader):
    """Debian's torch 1.13.1 has a mutable default in a dataclass, which Python 3.11 refuses."""

    def get_code(self, fullname):
        path = self.get_filename(fullname)
        source = self.get_data(path).replace(
            b"field(default=TensorProperties())", b"field(default_factory=TensorProperties)"
        )
        return self.source_to_code(source, path)


class MutableDefaultFinder:
    NAME = "torch.distributed._shard.sharded_tensor.metadata"

    @classmethod
    def find_spec(cls, name, path, target=None):
        if name != cls.NAME:
            return None
        file = os.path.join(list(path)[0], "metadata.py")
        return importlib.util.spec_from_file_location(name, file, loader=MutableDefault(name, file))


sys.meta_path.insert(0, MutableDefaultFinder)

handed, folder, repetitions = sys.argv[1], sys.argv[2], int(sys.argv[3])
torch.set_num_threads(os.cpu_count())
with open(os.path.join(handed, "state.bin"), "rb") as file:
    content = bytearray(file.read())
state = {}
for record in json.load(open(os.path.join(handed, "index.json"))):
    dtype = getattr(torch, record["dtype"])
    count = 1
    for extent in record["shape"]:
        count *= extent
    tensor = torch.frombuffer(content, dtype=dtype, count=count, offset=record["offset"]) if count else torch.empty(0, dtype=dtype)
    state[record["item"] + "/" + record["name"]] = tensor.reshape(record["shape"]).clone()
os.makedirs(folder, exist_ok=True)
path = os.path.join(folder, "state.pt")
figures = {}


def measure(name, work, before=lambda: None):
    for turn in range(repetitions + 1):
        before()
        begin = time.perf_counter()
        work()
        if turn > 0:  # the first one warms up
            figures.setdefault(name, []).append(time.perf_counter() - begin)


def remove():
    if os.path.exists(path):
        os.remove(path)


def save_and_flush():
    with open(path, "wb") as file:
        torch.save(state, file)
        file.flush()
        os.fsync(file.fileno())


measure("torch.save", lambda: torch.save(state, path), remove)
measure("torch.save and fsync", save_and_flush, remove)
measure("torch.load, warm", lambda: torch.load(path))
try:
    try:
        import torch.distributed.checkpoint as checkpoint
    except ImportError:  # its place in 1.13
        import torch.distributed._shard.checkpoint as checkpoint

    parts = os.path.join(folder, "dcp")

    def fresh():
        shutil.rmtree(parts, ignore_errors=True)
        os.makedirs(parts)

    measure(
        "torch.distributed.checkpoint save",
        lambda: checkpoint.save_state_dict(state, checkpoint.FileSystemWriter(parts), no_dist=True),
        fresh,
    )
    target = {name: torch.empty_like(tensor) for name, tensor in state.items()}
    measure(
        "torch.distributed.checkpoint load, warm",
        lambda: checkpoint.load_state_dict(target, checkpoint.FileSystemReader(parts), no_dist=True),
    )
except Exception as error:  # its figures are left out
    print(f"torch.distributed.checkpoint cannot be used: {error}", file=sys.stderr)
print(json.dumps(figures))
