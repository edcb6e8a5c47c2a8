"""Times torch.save, torch.load and torch.distributed.checkpoint on tensors handed over as files; prints JSON."""

import json
import os
import shutil
import sys
import time

import torch

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
    import torch.distributed.checkpoint as checkpoint

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
except Exception as error:  # Debian's torch 1.13.1 needs a patch for Python 3.11
    print(f"torch.distributed.checkpoint cannot be used: {error}", file=sys.stderr)
print(json.dumps(figures))
