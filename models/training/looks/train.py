#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""From photos to the weights of our own looks, in one command: paints pairs with models/training/painter, trains a
student for each recipe, scores it on the photos that were held out, and writes NAME.safetensors.

    models/training/looks/train.py --photos DIR --output DIR [--device cuda:0] [RECIPE…]

DIR is what models/training/photos/collect wrote (train/ and held-out/). Needs g++, numpy, Pillow and PyTorch. A recipe's
`seconds` are for a fast GPU; without one, give --steps-per-look and time.
"""
import argparse
import configparser
import math
import os
import pathlib
import threading
import time

import numpy
import torch
from PIL import Image

import network
import painting

HERE = pathlib.Path(__file__).resolve().parent
LICENCE = "CC0-1.0"


def read_recipe(path):
    file = configparser.ConfigParser()
    file.read_string(pathlib.Path(path).read_text())
    recipe = dict(file["recipe"])
    if "look" not in recipe or "name" not in recipe:
        raise SystemExit(f"{path}: a recipe has 'name' and 'look'")
    recipe.setdefault("side", 2)
    for key in ("seed", "batch", "crop", "side"):
        recipe[key] = int(recipe[key])
    for key in ("seconds", "rate-first", "rate-last", "warm-up", "average", "l1", "edges", "energy", "colour"):
        recipe[key] = float(recipe[key])
    return recipe


class Data:
    """Pairs on the device, as bytes; a thread brings the new ones while the others are trained with."""

    def __init__(self, pairs, looks, device, at_least):
        self.pairs, self.device = pairs, device
        self.side = painting.SIDE
        shape = (pairs.count, self.side, self.side, 3)
        self.photos = torch.empty(shape, dtype=torch.uint8, device=device)
        self.painted = {look: torch.empty(shape, dtype=torch.uint8, device=device) for look in looks}
        self.thumbs = torch.empty((pairs.count, 3, 48, 48), device=device)
        self.there = 0
        self.error = None
        self.lock = threading.Lock()  # held while the device is used by this thread, or must not be
        self.thread = threading.Thread(target=self._bring, daemon=True)
        self.thread.start()
        while self.there < at_least:
            self.check()
            time.sleep(0.2)

    def _bring(self):
        try:
            waiting = list(range(self.pairs.count))
            while waiting:
                ready = [i for i in waiting[:512] if self.pairs.done[i]]
                for i in ready:
                    with self.lock:
                        self._take(i)
                ready = set(ready)
                waiting = [i for i in waiting if i not in ready]
                if not ready:
                    time.sleep(0.2)
        except Exception as error:  # told by check(), in the thread that trains
            self.error = error

    def _take(self, i):
        at = self.there
        photo = torch.from_numpy(numpy.array(self.pairs.inputs[i])).to(self.device)
        self.photos[at] = photo
        for n, look in enumerate(self.painted):
            self.painted[look][at] = torch.from_numpy(numpy.array(self.pairs.targets[i, n])).to(self.device)
        self.thumbs[at] = network.thumbnail(photo.permute(2, 0, 1)[None].float() / 127.5 - 1)[0]
        if self.device.type == "cuda":
            torch.cuda.current_stream().synchronize()
        self.there = at + 1

    def check(self):
        self.pairs.check()
        if self.error:
            raise self.error

    def fill(self, look, random, crop, into):
        """One batch: crops of `crop` pixels, half of the batches mirrored."""
        photo, target, thumb = into
        batch = photo.shape[0]
        which = torch.from_numpy(random.integers(0, self.there, batch)).to(self.device)
        corner = torch.from_numpy(random.integers(0, self.side - crop + 1, (2, batch))).to(self.device)
        line = torch.arange(crop, device=self.device)
        mirrored = random.random() < 0.5
        rows = (which * self.side)[:, None] + corner[0][:, None] + line
        columns = corner[1][:, None] + (line.flip(0) if mirrored else line)
        index = (rows * self.side)[:, :, None] + columns[:, None, :]
        for source, place in ((self.photos, photo), (self.painted[look], target)):
            pixels = source.view(-1, 3)[index.view(-1)].view(batch, crop, crop, 3)
            place.copy_(pixels.permute(0, 3, 1, 2).float() / 127.5 - 1)
        small = self.thumbs[which]
        thumb.copy_(small.flip(3) if mirrored else small)


class Step:
    """One step of training; on CUDA it is recorded once and replayed, as launching its kernels costs more than they."""

    def __init__(self, weights, recipe, device):
        self.weights = {key: value.clone().requires_grad_(True) for key, value in weights.items()}
        self.recipe = recipe
        batch, crop = recipe["batch"], recipe["crop"]
        cuda = device.type == "cuda"
        self.rate = torch.tensor(recipe["rate-first"], device=device)
        options = {"capturable": True} if cuda else {}
        self.adam = torch.optim.Adam(list(self.weights.values()), lr=self.rate if cuda else recipe["rate-first"],
                                     betas=(0.9, 0.99), **options)
        self.dtype = torch.bfloat16 if cuda else torch.float32
        self.data = (torch.zeros(batch, 3, crop, crop, device=device), torch.zeros(batch, 3, crop, crop, device=device),
                     torch.zeros(batch, 3, 48, 48, device=device))
        self.loss = torch.zeros((), device=device)
        self.graph = None

    def _step(self):
        photo, target, thumb = self.data
        error = network.loss(network.paint(self.weights, photo, thumb, self.dtype), target, self.recipe)
        error.backward()
        self.adam.step()
        self.loss.copy_(error.detach())

    def record(self):
        """Call with real data in place; these few steps count as training."""
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(5):
                self.adam.zero_grad(set_to_none=True)
                self._step()
        torch.cuda.current_stream().wait_stream(stream)
        torch.cuda.synchronize()
        self.adam.zero_grad(set_to_none=True)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            self._step()
        self.graph = graph

    def run(self, rate):
        if self.graph:
            self.rate.fill_(rate)
            self.graph.replay()
            return
        if self.adam.defaults.get("capturable"):
            self.rate.fill_(rate)
        else:
            for group in self.adam.param_groups:
                group["lr"] = rate
        self.adam.zero_grad(set_to_none=True)
        self._step()


def to_tensor(picture, device):
    return torch.from_numpy(numpy.array(picture)).to(device).permute(2, 0, 1)[None].float() / 127.5 - 1


def judge(weights, held_out, look, device):
    """Mean scores, each photo's scores, and the student's pictures."""
    rows, pictures = [], {}
    torch.backends.cudnn.benchmark = False  # each photo has a size of its own
    with torch.no_grad():
        for name, photo, painted in held_out:
            x = to_tensor(photo, device)
            y = network.paint(weights, x, network.thumbnail(x)).clamp(-1, 1)
            rows.append((name, *network.scores(y, to_tensor(painted[look], device))))
            pictures[name] = ((y[0].permute(1, 2, 0) + 1) * 127.5).round().byte().cpu().numpy()
    torch.backends.cudnn.benchmark = True
    return numpy.mean([row[1:] for row in rows], 0), rows, pictures


def train(recipe, start, data, held_out, number, device, seconds, steps, say):
    weights = start if start is not None else network.random_weights(recipe["seed"], device, recipe["side"])
    step = Step(weights, recipe, device)
    average = {key: value.detach().clone() for key, value in step.weights.items()}
    random = numpy.random.default_rng(recipe["seed"])
    begun, count, told, curve = time.time(), 0, time.time(), []
    while True:
        part = count / steps if steps else (time.time() - begun) / seconds
        if part >= 1:
            break
        rate = recipe["rate-last"] + (recipe["rate-first"] - recipe["rate-last"]) * (1 + math.cos(math.pi * part)) / 2
        rate *= min(1, (count + 1) / max(recipe["warm-up"], 1))
        data.fill(recipe["look"], random, recipe["crop"], step.data)
        if device.type == "cuda" and step.graph is None and not count:
            step.rate.fill_(rate)
            try:
                with data.lock:
                    step.record()
            except RuntimeError as error:  # slower without, but right
                say(f"no CUDA graph ({error}): each kernel is launched alone")
                torch.cuda.synchronize()
        step.run(rate)
        count += 1
        keep = min(recipe["average"], count / (count + 50))
        with torch.no_grad():
            torch._foreach_mul_(list(average.values()), keep)
            torch._foreach_add_(list(average.values()), [value.detach() for value in step.weights.values()],
                                alpha=1 - keep)
        if count % 200 == 0:
            data.check()
            if device.type == "cuda":
                torch.cuda.synchronize()
            if not math.isfinite(step.loss.item()):
                raise SystemExit(f"{recipe['name']}: the loss is not finite after {count} steps")
            if time.time() - told > 12 and part < 0.97:
                told = time.time()
                mean, _, _ = judge(average, held_out[::3], number, device)
                curve.append((count, step.loss.item(), *mean))
                say(f"{recipe['name']} {time.time() - begun:5.0f} s, step {count}, {data.there} pairs, loss "
                    f"{step.loss.item():.4f}; {mean[0]:.2f} dB, SSIM {mean[1]:.4f}, edges {mean[2]:.3f}, "
                    f"colour {mean[3]:.2f}")
    return average, count, curve


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", required=True, type=pathlib.Path)
    parser.add_argument("--output", required=True, type=pathlib.Path)
    parser.add_argument("--pairs", type=int, default=3000, help="how many pairs to paint (default: 3000)")
    parser.add_argument("--first", type=int, default=3000, help="begin with so many, the others follow (default: 3000)")
    parser.add_argument("--folder", default=None, help="where pairs are kept (default: a temporary folder)")
    parser.add_argument("--device", default="cuda:0" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--processes", type=int, default=max(1, (os.cpu_count() or 2) - 1))
    parser.add_argument("--side", type=int, default=768, help="at which held-out photos are judged (default: 768)")
    parser.add_argument("--steps-per-look", type=int, default=0, help="instead of the recipes' seconds")
    parser.add_argument("--time", type=float, default=1, help="factor on the recipes' seconds")
    parser.add_argument("--seed", type=int, default=1, help="of the pairs")
    parser.add_argument("recipes", nargs="*", default=[HERE / f"{name}.recipe"
                                                       for name in ("aozora", "aozora-quick", "sunset", "pastel", "ink")])
    arguments = parser.parse_args()
    arguments.output.mkdir(parents=True, exist_ok=True)
    began = time.time()
    log = open(arguments.output / "log.txt", "a")

    def say(text):
        line = f"[{time.time() - began:5.0f}] {text}"
        print(line, flush=True)
        print(line, file=log, flush=True)

    torch.backends.cudnn.benchmark = True
    torch.backends.cudnn.allow_tf32 = True
    device = torch.device(arguments.device)
    folder = pathlib.Path(arguments.folder or painting.temporary())
    folder.mkdir(parents=True, exist_ok=True)
    library = painting.build_painter(folder)
    looks = painting.Painter(library).looks
    held_out = painting.paint_held_out(arguments.photos / "held-out", library, arguments.side, arguments.processes)
    say(f"painter built; {len(held_out)} held-out photos painted")
    pairs = painting.Pairs(folder, arguments.photos / "train", library, arguments.pairs, arguments.seed,
                           arguments.processes)
    data = Data(pairs, looks, device, min(arguments.first, arguments.pairs))
    say(f"{data.there} pairs painted, training on {device}")

    weights = {}
    for path in arguments.recipes:
        recipe = read_recipe(path)
        start = weights.get(recipe.get("start"))
        if "start" in recipe and start is None:
            raise SystemExit(f"{path}: begins with '{recipe['start']}', which was not trained before it")
        number = looks.index(recipe["look"])
        average, steps, curve = train(recipe, start, data, held_out, number, device, recipe["seconds"] * arguments.time,
                                      arguments.steps_per_look, say)
        weights[recipe["name"]] = average
        mean, rows, pictures = judge(average, held_out, number, device)
        say(f"{recipe['name']}: {steps} steps, {data.there} pairs; held out: {mean[0]:.2f} dB, SSIM {mean[1]:.4f}, "
            f"edges {mean[2]:.3f}, colour {mean[3]:.2f}")
        network.write_weights(average, {
            "architecture": "lite", "upsampling": "half-pixel", "name": recipe["name"],
            "description": recipe["description"], "licence": LICENCE, "tone": "graded",
            "trained_from": "models/training/painter, on photos in the public domain or under CC0-1.0",
            "seed": recipe["seed"], "steps": steps, "crops": steps * recipe["batch"],
            "held_out_psnr_db": f"{mean[0]:.2f}", "held_out_ssim": f"{mean[1]:.4f}",
            "held_out_edge_energy": f"{mean[2]:.3f}", "held_out_colour_error": f"{mean[3]:.2f}",
        }, arguments.output / f"{recipe['name']}.safetensors")
        with open(arguments.output / "scores.csv", "a") as file:
            for row in curve:
                print("curve", recipe["name"], *row, sep=",", file=file)
            for row in rows:
                print("held-out", recipe["name"], *row, sep=",", file=file)
        sheet = [numpy.concatenate([photo, painted[number], pictures[name]], 1)
                 for name, photo, painted in held_out if photo.shape[0] <= photo.shape[1]][:6]
        width = max(row.shape[1] for row in sheet)
        sheet = [numpy.pad(row, ((0, 0), (0, width - row.shape[1]), (0, 0))) for row in sheet]
        Image.fromarray(numpy.concatenate(sheet, 0)).save(arguments.output / f"{recipe['name']}.jpg", quality=88)


if __name__ == "__main__":
    main()
