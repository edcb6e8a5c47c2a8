"""
save_snapshot beside torch.save in the same run: how long the loop waits, and how long until the bytes are safe. Prints JSON.

    PYTHONPATH=src/python python3 src/python/benchmarks/save.py --config ciuic_config.json
"""

import argparse
import json
import os
import statistics
import tempfile
import time

import torch

from ciuic_snapshot_chain import CiuicSnapshotChain


def state_of(megabytes: int, device: str):
    """A GPT-like model's state after one step of AdamW: weights and two moments."""
    layers = max(1, megabytes * (1 << 20) // (3 * 4 * 12 * 512 * 512))
    model = torch.nn.ModuleList(torch.nn.TransformerEncoderLayer(512, 8, 2048) for _ in range(layers)).to(device)
    optimizer = torch.optim.AdamW(model.parameters())
    for parameter in model.parameters():
        parameter.grad = torch.randn_like(parameter) * 1e-3
    optimizer.step()
    return model, optimizer


def seconds(call):
    begin = time.perf_counter()
    result = call()
    return time.perf_counter() - begin, result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", required=True)
    parser.add_argument("--megabytes", type=int, default=256)
    parser.add_argument("--repetitions", type=int, default=7)
    parser.add_argument("--device", default="cpu", help="where the model is (default: %(default)s)")
    parser.add_argument("--folder", default=None, help="where torch.save writes (default: the temporary folder)")
    said = parser.parse_args()

    model, optimizer = state_of(said.megabytes, said.device)
    chain = CiuicSnapshotChain(said.config, f"benchmark-{os.getpid()}")
    chain.get_latest_snapshot()
    figures = {"torch_save": [], "torch_save_fsync": [], "stall": [], "durable_and_verified": []}
    with tempfile.TemporaryDirectory(dir=said.folder) as folder:
        path = os.path.join(folder, "state.pt")

        def peer(sync: bool) -> None:
            with open(path, "wb") as file:
                torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict()}, file)
                if sync:
                    file.flush()
                    os.fsync(file.fileno())

        settle = torch.cuda.synchronize if said.device.startswith("cuda") else lambda: None
        for number in range(said.repetitions + 1):
            optimizer.step()
            settle()
            took, _ = seconds(lambda: peer(False))
            synced, _ = seconds(lambda: peer(True))
            begin = time.perf_counter()
            stall, handle = seconds(lambda: chain.save_snapshot({"model": model.state_dict(), "optimizer": optimizer.state_dict()}))
            handle.result()
            whole = time.perf_counter() - begin
            if number == 0:
                continue  # the staging memory is touched for the first time
            for name, value in zip(figures, (took, synced, stall, whole)):
                figures[name].append(value)
    medians = {name: statistics.median(values) for name, values in figures.items()}
    print(json.dumps({
        "device": said.device,
        "state_bytes": handle.bytes,
        "median_seconds": {name: round(value, 4) for name, value in medians.items()},
        "stall_over_torch_save": round(medians["stall"] / medians["torch_save"], 4),
        "durable_over_torch_save_fsync": round(medians["durable_and_verified"] / medians["torch_save_fsync"], 3),
    }, indent=2))
    chain.close()


if __name__ == "__main__":
    main()
