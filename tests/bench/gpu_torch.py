#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""AnimeGANv2 as PyTorch runs it: the reference of tests/bench/gpu.

gpu_torch.py MODEL.pt WIDTH HEIGHT [PART...]: one JSON line a measurement, so that a part that fails loses only
itself. Parts: published, norm, compiled, convolutions.
"""
import argparse
import json
import statistics
import sys
import time

import torch
from torch import nn
from torch.nn import functional as F


class WholeNorm(nn.Module):
    """GroupNorm with one group, by var_mean, which uses the whole GPU for one picture."""

    def __init__(self, channels):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x):
        variance, mean = torch.var_mean(x, dim=(1, 2, 3), keepdim=True, unbiased=False)
        return (x - mean) * torch.rsqrt(variance + 1e-5) * self.weight.view(1, -1, 1, 1) + self.bias.view(1, -1, 1, 1)


class Generator(nn.Module):
    def __init__(self, norm):
        super().__init__()

        def conv(inputs, outputs, kernel=3, stride=1, groups=1, bias=False):
            pad = (kernel - 1) // 2
            border = (0, 1, 0, 1) if stride == 2 else (pad,) * 4
            return nn.Sequential(nn.ReflectionPad2d(border), nn.Conv2d(inputs, outputs, kernel, stride, 0, groups=groups,
                                                                       bias=bias),
                                 norm(outputs), nn.LeakyReLU(0.2, inplace=True))

        class Residual(nn.Module):
            def __init__(self, inputs, outputs):
                super().__init__()
                wide = 2 * inputs
                self.same = inputs == outputs
                self.layers = nn.Sequential(conv(inputs, wide, 1), conv(wide, wide, 3, 1, wide, True),
                                            nn.Conv2d(wide, outputs, 1, bias=False), norm(outputs))

            def forward(self, x):
                y = self.layers(x)
                return x + y if self.same else y

        self.block_a = nn.Sequential(conv(3, 32, 7), conv(32, 64, stride=2), conv(64, 64))
        self.block_b = nn.Sequential(conv(64, 128, stride=2), conv(128, 128))
        self.block_c = nn.Sequential(conv(128, 128), Residual(128, 256), Residual(256, 256), Residual(256, 256),
                                     Residual(256, 256), conv(256, 128))
        self.block_d = nn.Sequential(conv(128, 128), conv(128, 128))
        self.block_e = nn.Sequential(conv(128, 64), conv(64, 64), conv(64, 32, 7))
        self.out_layer = nn.Sequential(nn.Conv2d(32, 3, 1, bias=False), nn.Tanh())

    def forward(self, x):
        x = self.block_c(self.block_b(self.block_a(x)))
        x = self.block_d(F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=True))
        x = self.block_e(F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=True))
        return self.out_layer(x)


def report(**values):
    print(json.dumps(values), flush=True)


def milliseconds(work, rounds, least=0.0):
    """Median of the device's time; more rounds until `least` seconds have gone by."""
    times = []
    begun = time.monotonic()
    while len(times) < rounds or time.monotonic() - begun < least:
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        start.record()
        work()
        end.record()
        end.synchronize()
        times.append(start.elapsed_time(end))
    return statistics.median(times)


class Pictures:
    def __init__(self, options):
        self.shape = (1, 3, options.height, options.width)
        self.weights = torch.load(options.model, map_location="cpu", weights_only=True)

    def ready(self, norm, dtype, channels_last):
        form = torch.channels_last if channels_last else torch.contiguous_format
        network = Generator(norm).eval()
        network.load_state_dict(self.weights)
        network = network.to("cuda", dtype).to(memory_format=form)
        picture = (torch.rand(self.shape, device="cuda") * 2 - 1).to(dtype).to(memory_format=form)
        return network, picture


def recorded(network, picture):
    side = torch.cuda.Stream()
    with torch.cuda.stream(side):
        for _ in range(2):
            network(picture)
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        network(picture)
    return graph.replay


def group_norm(channels):
    return nn.GroupNorm(1, channels, eps=1e-5)


def measure(name, network, picture, graph=False, rounds=3):
    torch.cuda.reset_peak_memory_stats()
    network(picture)
    work = recorded(network, picture) if graph else lambda: network(picture)
    work()
    torch.cuda.synchronize()
    report(part="torch", name=name, ms=milliseconds(work, rounds), peak_mb=torch.cuda.max_memory_allocated() / 1e6)


def published(pictures):
    half, full = torch.float16, torch.float32
    for name, dtype, last, tf32, graph in (
            ("as published, f32", full, False, False, False), ("as published, tf32", full, False, True, False),
            ("as published, f16", half, False, True, False), ("as published, f16 channels_last", half, True, True, False),
            ("as published, f16 channels_last, CUDA graph", half, True, True, True)):
        torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = tf32
        measure(name, *pictures.ready(group_norm, dtype, last), graph, 2)


def norm(pictures):
    for name, graph in (("var_mean, f16 channels_last", False), ("var_mean, f16 channels_last, CUDA graph", True)):
        measure(name, *pictures.ready(WholeNorm, torch.float16, True), graph, 10)


def compiled(pictures):
    network, picture = pictures.ready(WholeNorm, torch.float16, True)
    torch.backends.cudnn.benchmark = True
    start = time.monotonic()
    fast = torch.compile(network, dynamic=False)
    fast(picture)
    torch.cuda.synchronize()
    report(part="torch", name="compile time", seconds=time.monotonic() - start)
    measure("var_mean, f16 channels_last, torch.compile", fast, picture, False, 20)


def convolutions(pictures):
    """The forms in which the wide layers can be asked of cuDNN: rows, columns, channels, outputs, kernel, stride."""
    height, width = pictures.shape[2:]
    h2, w2, h4, w4 = height // 2, width // 2, height // 4, width // 4
    forms = {
        "a.0 7x7 3 to 32": (height + 6, width + 6, 3, 32, 7, 7, 1),
        "a.0 7x7 8 to 32": (height + 6, width + 6, 8, 32, 7, 7, 1),
        "a.0 fold 4: 7x3 16 to 128": (height + 6, width // 4 + 2, 16, 128, 7, 3, 1),
        "a.0 fold 8: 7x2 32 to 256": (height + 6, width // 8 + 1, 32, 256, 7, 2, 1),
        "a.1 3x3/2 32 to 64": (height + 1, width + 1, 32, 64, 3, 3, 2),
        "a.2 3x3 64 to 64": (h2 + 2, w2 + 2, 64, 64, 3, 3, 1),
        "c 1x1 256 to 512": (h4, w4, 256, 512, 1, 1, 1),
        "c 1x1 512 to 256": (h4, w4, 512, 256, 1, 1, 1),
        "c.5 3x3 256 to 128": (h4 + 2, w4 + 2, 256, 128, 3, 3, 1),
        "d.0 3x3 128 to 128": (h2 + 2, w2 + 2, 128, 128, 3, 3, 1),
        "d.0 all phases: 3x3 128 to 512": (h4 + 2, w4 + 2, 128, 512, 3, 3, 1),
        "d.0 phases of even rows: 3x3 128 to 256": (h4 + 2, w4 + 2, 128, 256, 3, 3, 1),
        "d.0 phases of odd rows: 2x3 128 to 256": (h4 + 1, w4 + 2, 128, 256, 2, 3, 1),
        "e.0 3x3 128 to 64": (height + 2, width + 2, 128, 64, 3, 3, 1),
        "e.0 all phases: 3x3 128 to 256": (h2 + 2, w2 + 2, 128, 256, 3, 3, 1),
        "e.0 phases of even rows: 3x3 128 to 128": (h2 + 2, w2 + 2, 128, 128, 3, 3, 1),
        "e.0 phases of odd rows: 2x3 128 to 128": (h2 + 1, w2 + 2, 128, 128, 2, 3, 1),
        "e.1 3x3 64 to 64": (height + 2, width + 2, 64, 64, 3, 3, 1),
        "e.1 fold 2: 3x2 128 to 128": (height + 2, width // 2 + 1, 128, 128, 3, 2, 1),
        "e.2 7x7 64 to 32": (height + 6, width + 6, 64, 32, 7, 7, 1),
        "e.2 fold 2: 7x4 128 to 64": (height + 6, width // 2 + 3, 128, 64, 7, 4, 1),
        "e.2 fold 4: 7x3 256 to 128": (height + 6, width // 4 + 2, 256, 128, 7, 3, 1),
    }
    torch.backends.cudnn.benchmark = True
    for name, (rows, columns, channels, outputs, kernel_rows, kernel_columns, stride) in forms.items():
        x, weight = (torch.randn(shape, device="cuda", dtype=torch.float16).to(memory_format=torch.channels_last)
                     for shape in ((1, channels, rows, columns), (outputs, channels, kernel_rows, kernel_columns)))
        y = F.conv2d(x, weight, stride=stride)
        ms = milliseconds(lambda: F.conv2d(x, weight, stride=stride), 15)
        flops = 2.0 * y.numel() * channels * kernel_rows * kernel_columns
        report(part="convolution", name=name, ms=ms, tflops=flops / ms / 1e9)
    copied = torch.empty(1 << 28, device="cuda", dtype=torch.float32)
    source = torch.randn(1 << 28, device="cuda", dtype=torch.float32)
    ms = milliseconds(lambda: copied.copy_(source), 10)
    report(part="ceiling", name="device-to-device copy, read and written", gb_s=2 * copied.nbytes / ms / 1e6)


PARTS = {"published": published, "norm": norm, "convolutions": convolutions, "compiled": compiled}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("width", type=int)
    parser.add_argument("height", type=int)
    parser.add_argument("parts", nargs="*", default=list(PARTS))
    options = parser.parse_args()
    report(part="machine", torch=torch.__version__, device=torch.cuda.get_device_name(0),
           cudnn=torch.backends.cudnn.version())
    pictures = Pictures(options)
    failed = 0
    for part in options.parts:
        torch.backends.cudnn.benchmark = False
        try:
            with torch.inference_mode():
                PARTS[part](pictures)
        except Exception as why:  # pylint: disable=broad-except
            report(part="failed", name=part, why=f"{type(why).__name__}: {why}"[:600])
            failed = 1
        torch.cuda.empty_cache()
    return failed


if __name__ == "__main__":
    sys.exit(main())
