# SPDX-License-Identifier: LGPL-2.1-or-later
"""The network `lite`, its losses and its scores: the same as in models/training/student.cpp and losses.cpp."""
import json
import math
import struct

import torch
import torch.nn.functional as F

def layers(side):
    """Name, channels in and out, kernel (0: linear), gain of the random weights relative to He's; `side` of the blocks
    of pixels that the net works on: 2, or 4 for the quick one."""
    pixels = 3 * side * side
    return [
        ("global.conv1", 3, 16, 3, 1), ("global.conv2", 16, 32, 3, 1), ("global.conv3", 32, 64, 3, 1),
        ("global.fc1", 64, 64, 0, 1), ("global.fc2", 64, 224, 0, 0), ("stem", pixels, 32, 3, 1), ("down", 32, 48, 3, 1),
        *((f"block{n}.conv{c}", 48, 48, k, g) for n in (1, 2, 3, 4) for c, k, g in ((1, 3, 1), (2, 1, 0.3))),
        ("up", 48, 32, 1, 0.7), ("head1", 32, 32, 3, 1), ("head2", 32, pixels, 3, 0.3)]


def random_weights(seed, device, side=2):
    generator = torch.Generator().manual_seed(seed)
    weights = {}
    for name, inputs, outputs, kernel, gain in layers(side):
        shape = (outputs, inputs, kernel, kernel) if kernel else (outputs, inputs)
        deviation = gain * math.sqrt(2 / (1.04 * inputs * max(kernel * kernel, 1)))
        weights[name + ".weight"] = (torch.randn(shape, generator=generator) * deviation).to(device)
        weights[name + ".bias"] = torch.zeros(outputs, device=device)
    return weights


def activate(x):
    return F.leaky_relu(x, 0.2)


def conv(weights, x, name, stride=1):
    weight = weights[name + ".weight"].to(x.dtype)
    if weight.shape[-1] == 3:
        x = F.pad(x, (0, 1, 0, 1) if stride == 2 else (1, 1, 1, 1), mode="reflect")
    return F.conv2d(x, weight, weights[name + ".bias"].to(x.dtype), stride=stride)


def steer(x, v, offset):
    channels = x.shape[1]
    scale = v[:, offset:offset + channels, None, None].to(x.dtype)
    bias = v[:, offset + channels:offset + 2 * channels, None, None].to(x.dtype)
    return x * (1 + scale) + bias


def thumbnail(photo):
    return F.adaptive_avg_pool2d(photo, 48)


def paint(weights, photo, thumb, dtype=torch.float32):
    """Photo and painting in -1 to 1; sides are multiples of 4, for the quick net of 8."""
    side = math.isqrt(weights["stem.weight"].shape[1] // 3)
    t = thumb
    for name in ("global.conv1", "global.conv2", "global.conv3"):
        t = activate(conv(weights, t, name, 2))
    t = activate(F.linear(t.mean((2, 3)), weights["global.fc1.weight"], weights["global.fc1.bias"]))
    v = F.linear(t, weights["global.fc2.weight"], weights["global.fc2.bias"])
    u = F.pixel_unshuffle(photo, side).to(dtype).contiguous(memory_format=torch.channels_last)
    skip = activate(steer(conv(weights, u, "stem"), v, 0))
    x = activate(steer(conv(weights, skip, "down", 2), v, 64))
    for n in "1234":
        x = x + conv(weights, activate(conv(weights, x, f"block{n}.conv1")), f"block{n}.conv2")
    x = F.interpolate(conv(weights, x, "up"), scale_factor=2, mode="bilinear", align_corners=False)
    x = activate(steer(conv(weights, activate(x + skip), "head1"), v, 160))
    return F.pixel_shuffle(conv(weights, x, "head2").float(), side)


def luma(x):
    return 0.299 * x[:, :1] + 0.587 * x[:, 1:2] + 0.114 * x[:, 2:]


def sobel(x):
    across, down = x[..., 2:] - x[..., :-2], x[:, :, 2:] - x[:, :, :-2]
    return torch.cat([across[:, :, :-2] + 2 * across[:, :, 1:-1] + across[:, :, 2:],
                      down[..., :-2] + 2 * down[..., 1:-1] + down[..., 2:]], 1) / 4


def edge_strength(x):
    return (sobel(luma(x)).square().sum(1, True) + 1e-6).sqrt()


def loss(painted, target, phase):
    """L1, gradients, their local strength (without it thin strokes fade) and local means of colour."""
    total = phase["l1"] * (painted - target).abs().mean()
    total = total + phase["edges"] * (sobel(painted) - sobel(target)).abs().mean()
    strength = F.avg_pool2d(edge_strength(painted) - edge_strength(target), 6, 3)
    total = total + phase["energy"] * strength.abs().mean()
    return total + phase["colour"] * F.avg_pool2d(painted - target, 48).abs().mean()


def ssim(a, b):
    a, b = a.double(), b.double()  # differences of squares: TF32 leaves nothing of them
    taps = torch.exp(-((torch.arange(11.0, dtype=a.dtype, device=a.device) - 5) ** 2) / 4.5)
    taps = taps / taps.sum()

    def smooth(x):
        return F.conv2d(F.conv2d(x, taps.view(1, 1, 11, 1)), taps.view(1, 1, 1, 11))

    ma, mb = smooth(a), smooth(b)
    va, vb, cov = smooth(a * a) - ma * ma, smooth(b * b) - mb * mb, smooth(a * b) - ma * mb
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    return ((2 * ma * mb + c1) * (2 * cov + c2) / ((ma * ma + mb * mb + c1) * (va + vb + c2))).mean().item()


def scores(painted, target):
    """PSNR in dB, SSIM of luma, edge energy against the target's, mean error of the mean colour in levels."""
    a, b = ((x.clamp(-1, 1) + 1) * 127.5 for x in (painted, target))
    a = a.round()
    psnr = 10 * math.log10(255 ** 2 / max((a - b).square().mean().item(), 1e-9))
    return (psnr, ssim(luma(a), luma(b)), (edge_strength(a).sum() / edge_strength(b).sum()).item(),
            (a.mean((0, 2, 3)) - b.mean((0, 2, 3))).abs().mean().item())


def write_weights(weights, metadata, path):
    header, blob = {"__metadata__": {key: str(value) for key, value in metadata.items()}}, b""
    for name, tensor in weights.items():
        data = tensor.detach().float().cpu().contiguous().numpy().tobytes()
        header[name] = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": [len(blob), len(blob) + len(data)]}
        blob += data
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + blob)


def read_weights(path, device):
    with open(path, "rb") as file:
        data = file.read()
    size = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:8 + size])
    weights = {}
    for name, *_ in layers(2):
        for key in (name + ".weight", name + ".bias"):
            first, last = header[key]["data_offsets"]
            raw = bytearray(data[8 + size + first:8 + size + last])
            weights[key] = torch.frombuffer(raw, dtype=torch.float32).reshape(header[key]["shape"]).clone().to(device)
    return weights
