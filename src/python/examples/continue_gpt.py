"""
Goes on with a run of the C# demo trainer (hosting/Ciuic.Trainer), in PyTorch: the same model by the same names, the same optimizer, the same
generator. The C# trainer goes on with what this saves.
"""

import argparse
import hashlib
import math
import pathlib

import torch
from torch import nn

from ciuic_snapshot_chain import CiuicSnapshotChain

VOCABULARY, CONTEXT, WIDTH, HEADS, LAYERS, DROPOUT = 256, 64, 96, 4, 3, 0.1
BATCH, SAMPLES = 12, 288


class CausalSelfAttention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self._projectIn = nn.Linear(WIDTH, 3 * WIDTH)
        self._projectOut = nn.Linear(WIDTH, WIDTH)
        self._dropout = nn.Dropout(DROPOUT)

    def forward(self, x):
        batch, time, width = x.shape
        q, k, v = self._projectIn(x).view(batch, time, 3, HEADS, width // HEADS).permute(2, 0, 3, 1, 4)
        later = torch.full((time, time), -math.inf).triu(1)
        seen = torch.softmax(q @ k.transpose(-1, -2) / math.sqrt(width // HEADS) + later, -1)
        mixed = nn.functional.dropout(seen, DROPOUT, self.training) @ v
        return self._dropout(self._projectOut(mixed.transpose(1, 2).reshape(batch, time, width)))


class TransformerBlock(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self._beforeAttention = nn.LayerNorm(WIDTH)
        self._attention = CausalSelfAttention()
        self._beforeFeedForward = nn.LayerNorm(WIDTH)
        self._feedForward = nn.Sequential(nn.Linear(WIDTH, 4 * WIDTH), nn.GELU(), nn.Linear(4 * WIDTH, WIDTH), nn.Dropout(DROPOUT))

    def forward(self, x):
        x = x + self._attention(self._beforeAttention(x))
        return x + self._feedForward(self._beforeFeedForward(x))


class Gpt(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self._tokens = nn.Embedding(VOCABULARY, WIDTH)
        self._positions = nn.Embedding(CONTEXT, WIDTH)
        self._dropout = nn.Dropout(DROPOUT)
        self._blocks = nn.Sequential(*(TransformerBlock() for _ in range(LAYERS)))
        self._norm = nn.LayerNorm(WIDTH)
        self._head = nn.Linear(WIDTH, VOCABULARY, bias=False)

    def forward(self, tokens):
        x = self._dropout(self._tokens(tokens) + self._positions(torch.arange(tokens.shape[1])))
        return self._head(self._norm(self._blocks(x)))


def digest(tensors) -> str:
    return hashlib.sha256(b"".join(t.detach().numpy().tobytes() for t in tensors)).hexdigest()


def moments(optimizer):
    states = (optimizer.state[parameter] for group in optimizer.param_groups for parameter in group["params"])
    return [state[name] for state in states for name in ("exp_avg", "exp_avg_sq")]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", default="ciuic_config.json")
    parser.add_argument("--steps", type=int, default=200, help="train until this step")
    parser.add_argument("--save-every", type=int, default=5)
    parser.add_argument("--text", type=pathlib.Path, default=pathlib.Path(__file__))
    said = parser.parse_args()

    text = torch.tensor(list(said.text.read_bytes()))
    model = Gpt()
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.1)
    with CiuicSnapshotChain(said.config).track(model=model, optimizer=optimizer) as chain:
        snapshot = chain.resume()
        step, epoch, sample = (snapshot["step"], snapshot["epoch"], snapshot["batch_idx"] + 1) if snapshot else (0, 0, 0)
        print("@resumed", step, digest(model.state_dict().values()), digest(moments(optimizer)), digest([torch.get_rng_state()]), flush=True)
        while step < said.steps:
            starts = [(epoch * 31 + (sample + i) * (CONTEXT + 1)) % (len(text) - CONTEXT - 1) for i in range(BATCH)]
            rows = torch.stack([text[s : s + CONTEXT + 1] for s in starts])
            loss = nn.functional.cross_entropy(model(rows[:, :-1]).flatten(0, 1), rows[:, 1:].flatten())
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1)
            optimizer.step()
            step, sample = step + 1, sample + BATCH
            if sample >= SAMPLES:
                epoch, sample = epoch + 1, 0
            print(f"@loss {step} {loss.item():.4f}", flush=True)
            if step % said.save_every == 0:
                chain.save_snapshot({"model": model, "optimizer": optimizer, "step": step, "epoch": epoch, "batch_idx": sample - 1, "loss": loss.item()})


if __name__ == "__main__":
    main()
