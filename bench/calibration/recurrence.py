"""Which recurrence is worth its price: nets of PyTorch on the windows that `windows.js` wrote.

    python3 recurrence.py WINDOWS.safetensors NET [--steps N] [--hidden H] [--epochs E] [--seed S]

NET is none (summary alone), gru, lstm or gru2 (two layers). Same head, loss weights, optimiser and
order of events for all; windows start from state zero. --steps hears the last N samples of a longer
window. Prints aPin95 x 100 of the trained VMs in days 54-61 and of other VMs: cpu, memory, network,
disk, mean. No test day is in the file.
"""

import argparse
import time

import torch
from torch import nn

import sys, pathlib

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "examples" / "pytorch"))
import reprise_net

LEVELS = torch.tensor(reprise_net.LEVELS)
LEVEL_WEIGHTS = torch.tensor([0.6, 1.0, 1.8, 1.0])
BATCH = 512
PEAK_RATE = 0.012
DECAY = 0.01
TRAINS, LATER, OTHERS = 0, 1, 2


class Net(nn.Module):
    def __init__(self, kind, inputs, hidden, summary):
        super().__init__()
        self.kind = kind
        layers = 2 if kind == "gru2" else 1
        cell = {"gru": nn.GRU, "gru2": nn.GRU, "lstm": nn.LSTM}.get(kind)
        self.cell = cell(inputs, hidden, num_layers=layers, batch_first=True) if cell else None
        first, second, third = reprise_net.HEAD_SIZES
        self.head = nn.Sequential(
            nn.Linear((hidden if cell else 0) + summary, first),
            nn.SiLU(),
            nn.Linear(first, second),
            nn.SiLU(),
            nn.Linear(second, third),
        )

    def forward(self, x, summary):
        if self.cell is None:
            return reprise_net.RepriseNet.quantiles(self.head(summary))
        out, _ = self.cell(x)
        return reprise_net.RepriseNet.quantiles(self.head(torch.cat([out[:, -1], summary], dim=1)))


def pinball(target, quantiles):
    """[batch, 12, 4]; zero where there is no truth."""
    error = (target.unsqueeze(-1) - quantiles.flatten(1, 2)).nan_to_num(0.0)
    return torch.maximum(LEVELS * error, (LEVELS - 1) * error)


def score(net, data, rows):
    sums, counts = torch.zeros(4), torch.zeros(4)
    with torch.no_grad():
        for part in rows.split(4096):
            target = data["target"][part]
            loss = pinball(target, net(data["x"][part], data["summary"][part]))[..., 2]
            sums += loss.reshape(-1, 4, 3).sum(dim=(0, 2))
            counts += (~target.isnan()).reshape(-1, 4, 3).sum(dim=(0, 2))
    each = 100 * sums / counts
    return [*each.tolist(), each.mean().item()]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file")
    parser.add_argument("net", choices=["none", "gru", "gru2", "lstm"])
    parser.add_argument("--steps", type=int, default=36)
    parser.add_argument("--hidden", type=int, default=32)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    wanted = parser.parse_args()
    torch.manual_seed(wanted.seed)
    data, _ = reprise_net.read_tensors(wanted.file)
    data["x"] = data["x"][:, -wanted.steps :]
    sets = data["set"]
    train = (sets == TRAINS).nonzero().flatten()
    net = Net(wanted.net, data["x"].shape[2], wanted.hidden, data["summary"].shape[1])
    optimizer = torch.optim.AdamW(net.parameters(), lr=PEAK_RATE, weight_decay=DECAY)
    batches = len(train) // BATCH
    rate = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, PEAK_RATE, epochs=wanted.epochs, steps_per_epoch=batches
    )
    started = time.time()
    for _ in range(wanted.epochs):
        order = train[torch.randperm(len(train))][: batches * BATCH]
        for part in order.split(BATCH):
            loss = pinball(data["target"][part], net(data["x"][part], data["summary"][part]))
            optimizer.zero_grad()
            (loss * LEVEL_WEIGHTS).mean().backward()
            nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            optimizer.step()
            rate.step()
    for name, kind in (("later", LATER), ("others", OTHERS)):
        figures = score(net, data, (sets == kind).nonzero().flatten())
        label = f"{wanted.net} steps {wanted.steps} hidden {wanted.hidden} seed {wanted.seed}"
        print(label, name, " ".join(f"{x:.3f}" for x in figures), f"{time.time() - started:.0f} s")


if __name__ == "__main__":
    main()
