"""A small transformer language model, trained on this file: killed at any moment and run again, it continues bit for bit."""

import argparse
import hashlib
import pathlib

import torch
from torch import nn

from ciuic_snapshot_chain import CiuicSnapshotChain


class LanguageModel(nn.Module):
    def __init__(self, vocabulary: int, width: int, layers: int) -> None:
        super().__init__()
        self.embed = nn.Embedding(vocabulary, width)
        layer = nn.TransformerEncoderLayer(width, 4, 4 * width, dropout=0.1, batch_first=True)
        self.blocks = nn.TransformerEncoder(layer, layers)
        self.head = nn.Linear(width, vocabulary)

    def forward(self, tokens):
        mask = nn.Transformer.generate_square_subsequent_mask(tokens.shape[1])
        return self.head(self.blocks(self.embed(tokens), mask=mask))


def batches(epoch: int, count: int, length: int):
    """The same batches in the same order, whenever they are asked for."""
    text = torch.tensor(list(pathlib.Path(__file__).read_bytes()))
    order = torch.randint(len(text) - length - 1, (count, 4), generator=torch.Generator().manual_seed(epoch))
    for starts in order:
        rows = torch.stack([text[s : s + length + 1] for s in starts.tolist()])
        yield rows[:, :-1], rows[:, 1:]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--config", default="ciuic_config.json")
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--batches", type=int, default=10)
    parser.add_argument("--save-every", type=int, default=3)
    parser.add_argument("--width", type=int, default=64)
    said = parser.parse_args()

    torch.manual_seed(1)
    torch.set_num_threads(1)
    snapshot_chain = CiuicSnapshotChain(said.config)
    model = LanguageModel(256, said.width, 2)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    start_epoch, start_batch = 0, 0

    latest_snapshot = snapshot_chain.get_latest_snapshot()
    if latest_snapshot:
        print(f"Loading model from snapshot: {latest_snapshot['timestamp']}", flush=True)
        model.load_state_dict(snapshot_chain.load_model_state(latest_snapshot))
        optimizer.load_state_dict(snapshot_chain.load_optimizer_state(latest_snapshot))
        start_epoch, start_batch = latest_snapshot["epoch"], latest_snapshot["batch_idx"] + 1

    for epoch in range(start_epoch, said.epochs):
        for batch_idx, (inputs, targets) in enumerate(batches(epoch, said.batches, 32)):
            if epoch == start_epoch and batch_idx < start_batch:
                continue
            loss = nn.functional.cross_entropy(model(inputs).flatten(0, 1), targets.flatten())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            print(f"{epoch} {batch_idx} {loss.item().hex()}", flush=True)
            if (epoch * said.batches + batch_idx) % said.save_every == 0:
                snapshot_chain.save_snapshot({
                    "model_state": model.state_dict(), "optimizer_state": optimizer.state_dict(),
                    "epoch": epoch, "batch_idx": batch_idx, "loss": loss.item(),
                })
    snapshot_chain.finish()
    digest = hashlib.sha256(b"".join(p.detach().numpy().tobytes() for p in model.state_dict().values()))
    print(f"final {digest.hexdigest()}", flush=True)


if __name__ == "__main__":
    main()
