"""Compares the net under PyTorch with golden vectors, and saves it again for Reprise to read.

    python3 check_golden.py GOLDEN.safetensors [COPY.safetensors]

Prints one JSON object: the largest absolute difference of states, raw outputs, quantiles and loss.
"""

import json
import sys

import torch

import reprise_net


def differences(file):
    """The golden file holds weights, inputs and what is expected; all of it in one pass."""
    tensors, _ = reprise_net.read_tensors(file)
    net = reprise_net.load(file)
    with torch.no_grad():
        output, state = net.gru(tensors["input.x"], tensors["input.h0"].unsqueeze(0))
        raw = net.head(torch.cat([state[0], tensors["input.summary"]], dim=1))
        quantiles = net.quantiles(raw)
        error = tensors["input.target"].unsqueeze(-1) - quantiles
        levels = torch.tensor(reprise_net.LEVELS)
        loss = torch.maximum(levels * error, (levels - 1) * error).mean().reshape(1)
    found = {"output": output, "h_n": state[0], "raw": raw, "quantiles": quantiles, "loss": loss}
    return net, {
        name: (value.double() - tensors[f"expect.{name}"].reshape(value.shape)).abs().max().item()
        for name, value in found.items()
    }


def main():
    net, found = differences(sys.argv[1])
    if len(sys.argv) > 2:
        reprise_net.save(net, sys.argv[2], "golden")
    print(json.dumps(found))


if __name__ == "__main__":
    main()
