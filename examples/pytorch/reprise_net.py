"""Loads Reprise's weights into torch.nn.GRU and a head of three layers.

    import reprise_net
    net = reprise_net.load("reprise-h32.safetensors")
    quantiles, state = net(inputs, summary)          # u-space
    envelope = net.envelope(quantiles, scale, cap)   # cores, GiB, Mbps, MB/s

inputs   float32 [steps, batch, 16]   docs/abi.md, "Inputs"
summary  float32 [batch, 96]          docs/abi.md, "Summary features of the head"
scale    float32 [batch, 4]           what a resource's values were divided by
cap      float32 [batch, 4]           inf where a resource has none

Nothing but PyTorch is needed: the file's format is read and written in this module.
"""

import hashlib
import json
import struct

import torch
from torch import nn
from torch.nn import functional

LEVELS = (0.5, 0.9, 0.95, 0.99)
NEEDS = (4, 3, len(LEVELS))  # resource, phase, level
HEAD_SIZES = (96, 64, 48)
TYPES = {"F32": torch.float32, "F64": torch.float64}


class RepriseNet(nn.Module):
    """A GRU that is fed each sample, and a head over [state, summary features]."""

    def __init__(self, input_size, hidden_size, summary_size):
        super().__init__()
        first, second, third = HEAD_SIZES
        self.gru = nn.GRU(input_size, hidden_size)
        self.head = nn.Sequential(
            nn.Linear(hidden_size + summary_size, first),
            nn.SiLU(),
            nn.Linear(first, second),
            nn.SiLU(),
            nn.Linear(second, third),
        )

    def forward(self, inputs, summary, state=None):
        """Quantiles [batch, 4 resources, 3 phases, 4 levels] in u-space, and the last state."""
        _, state = self.gru(inputs, state)
        return self.quantiles(self.head(torch.cat([state[0], summary], dim=1))), state

    @staticmethod
    def quantiles(raw):
        """Raw outputs to quantiles that cannot cross: a median and three positive steps."""
        rows = raw.reshape(-1, *NEEDS)
        steps = torch.cat([rows[..., :1], functional.softplus(rows[..., 1:])], dim=-1)
        return steps.cumsum(dim=-1)

    @staticmethod
    def envelope(quantiles, scale, cap):
        """Quantiles in each resource's unit: scale * sinh(u), from 0 to the cap."""
        amounts = scale[:, :, None, None] * torch.sinh(quantiles)
        return torch.minimum(amounts.clamp(min=0), cap[:, :, None, None])


def read_tensors(file):
    """Tensors by name, and the metadata, of a safetensors file; its checksum is checked."""
    with open(file, "rb") as source:
        (length,) = struct.unpack("<Q", source.read(8))
        header = json.loads(source.read(length))
        payload = source.read()
    metadata = header.pop("__metadata__", {})
    checksum = metadata.get("sha256")
    if checksum is not None and hashlib.sha256(payload).hexdigest() != checksum:
        raise ValueError(f"{file}: the payload's checksum is not {checksum}")
    tensors = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        flat = torch.frombuffer(bytearray(payload[begin:end]), dtype=TYPES[entry["dtype"]])
        tensors[name] = flat.reshape(entry["shape"])
    return tensors, metadata


def load(file):
    """The net of a weights file, ready to predict."""
    tensors, _ = read_tensors(file)
    weights = {name: tensor for name, tensor in tensors.items() if name[:4] in ("gru.", "head")}
    _, input_size = weights["gru.weight_ih_l0"].shape
    _, hidden_size = weights["gru.weight_hh_l0"].shape
    summary_size = weights["head.0.weight"].shape[1] - hidden_size
    net = RepriseNet(input_size, hidden_size, summary_size)
    net.load_state_dict(weights)
    return net.eval()


def save(net, file, name):
    """Writes weights that `reprise predict --model FILE` reads."""
    header, parts, offset = {}, [], 0
    for key, tensor in net.state_dict().items():
        data = tensor.detach().to(torch.float32).contiguous().numpy().tobytes()
        header[key] = {
            "dtype": "F32",
            "shape": list(tensor.shape),
            "data_offsets": [offset, offset + len(data)],
        }
        parts.append(data)
        offset += len(data)
    payload = b"".join(parts)
    metadata = {"format": "pt", "name": name, "sha256": hashlib.sha256(payload).hexdigest()}
    text = json.dumps({"__metadata__": metadata, **header}).encode()
    text += b" " * (-len(text) % 8)
    with open(file, "wb") as target:
        target.write(struct.pack("<Q", len(text)) + text + payload)
