# SPDX-License-Identifier: LGPL-2.1-or-later
"""Pairs to train with: photos varied by chance, and what our own painter makes of them in every look.

Each pair depends on the seed and its number alone, so that the same pairs come out on any number of processes.
"""
import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # one process a core already

import ctypes
import io
import multiprocessing
import pathlib
import subprocess
import tempfile

import numpy
from PIL import Image, ImageFilter

SIDE = 448
PAINTER = pathlib.Path(__file__).resolve().parent.parent / "painter"


def build_painter(folder):
    """Builds the painter as a library that can be called from here."""
    library = pathlib.Path(folder) / "libanime-painter.so"
    command = ["g++", "-std=c++20", "-O3", "-march=x86-64-v3", "-ffast-math", "-fno-finite-math-only", "-Wno-psabi",
               "-shared", "-fPIC", f"-I{PAINTER.parents[2]}", "-o", library,
               *sorted(path for path in PAINTER.glob("*.cpp") if path.name != "main.cpp")]
    subprocess.run(command, check=True)
    return library


class Painter:
    def __init__(self, library):
        self.lib = ctypes.CDLL(str(library))
        self.lib.anime_painter_look.restype = ctypes.c_char_p
        count = self.lib.anime_painter_paint(None, 0, 0, None)
        self.looks = [self.lib.anime_painter_look(i).decode() for i in range(count)]

    def paint(self, photo):
        """All looks of a photo: looks × height × width × 3 bytes."""
        photo = numpy.ascontiguousarray(photo)
        height, width, _ = photo.shape
        painted = numpy.empty((len(self.looks), height, width, 3), numpy.uint8)
        pointer = ctypes.c_void_p
        if self.lib.anime_painter_paint(photo.ctypes.data_as(pointer), width, height,
                                            painted.ctypes.data_as(pointer)) != len(self.looks):
            raise MemoryError("the painter had no memory")
        return painted


def rotate_hue(image, degrees):
    """Turns the colours around the grey axis."""
    c, s = numpy.cos(numpy.radians(degrees)), numpy.sin(numpy.radians(degrees))
    third, root = (1 - c) / 3, s / numpy.sqrt(3)
    turn = numpy.array([[c + third, third - root, third + root], [third + root, c + third, third - root],
                        [third - root, third + root, c + third]], numpy.float32)
    return image @ turn.T


def vary(image, random):
    """Other light, another camera: exposure, white balance, contrast, saturation, hue."""
    x = numpy.asarray(image, numpy.float32) / 255
    if random.random() < 0.75:
        linear = x ** 2.2
        if random.random() < 0.6:
            linear = linear * 2 ** random.uniform(-1, 1)
        linear = linear * 2 ** random.uniform(-0.22, 0.22, 3).astype(numpy.float32)
        x = numpy.clip(linear, 0, 1) ** (1 / 2.2)
    if random.random() < 0.25:  # high key, low key, hard and soft contrast
        x = numpy.clip(x, 0, 1) ** random.uniform(0.65, 1.5)
        low, high = random.uniform(-0.05, 0.12), random.uniform(0.85, 1.06)
        x = low + (high - low) * x
    if random.random() < 0.6:
        grey = x @ numpy.array([0.299, 0.587, 0.114], numpy.float32)
        x = grey[..., None] + (x - grey[..., None]) * (0 if random.random() < 0.05 else random.uniform(0.5, 1.45))
    if random.random() < 0.5:
        x = rotate_hue(x, random.uniform(-10, 10))
    return (numpy.clip(x, 0, 1) * 255 + 0.5).astype(numpy.uint8)


def damage(photo, random):
    """What cameras and the web do to a photo, and a painter should not see."""
    x = photo
    if random.random() < 0.4:
        noise = random.normal(0, random.uniform(0.5, 6), photo.shape)
        if random.random() < 0.5:
            noise = noise.mean(2, keepdims=True) * 1.5
        x = numpy.clip(x + noise, 0, 255).astype(numpy.uint8)
    if random.random() < 0.5:
        buffer = io.BytesIO()
        Image.fromarray(x).save(buffer, "JPEG", quality=int(random.integers(45, 96)))
        x = numpy.asarray(Image.open(buffer).convert("RGB"))
    return x


def window(image, random):
    """A square of the photo, from all that fits into it down to a close look."""
    least = SIDE / min(image.size)
    scale = least if random.random() < 0.2 else least * (max(1.25, 1.1 * least) / least) ** random.random()
    size = [max(SIDE, round(side * scale)) for side in image.size]
    x, y = (int(random.integers(0, side - SIDE + 1)) for side in size)
    box = (x * image.width / size[0], y * image.height / size[1],
           (x + SIDE) * image.width / size[0], (y + SIDE) * image.height / size[1])
    return image.resize((SIDE, SIDE), Image.BICUBIC if scale > 1 else Image.LANCZOS, box)


def crowd(images, random):
    """Small faces: portraits side by side."""
    columns = int(random.integers(3, 8))
    side = -(-SIDE // columns)
    picture = Image.new("RGB", (SIDE, SIDE))
    for y in range(columns):
        for x in range(columns):
            image = images[int(random.integers(len(images)))]
            zoom = random.uniform(0.6, 1)
            w, h = image.width * zoom, image.height * zoom
            left, top = random.uniform(0, image.width - w), random.uniform(0, (image.height - h) / 2)
            tile = image.resize((side, side), Image.LANCZOS, (left, top, left + w, top + h), reducing_gap=3)
            picture.paste(tile, (x * side, y * side))
    return picture


def make_pair(number, seed, portraits, scenes, painter):
    random = numpy.random.default_rng((seed, number))
    chosen = random.random()
    if chosen < 0.10:
        image = crowd(portraits, random)
    else:
        images = portraits if chosen < 0.52 else scenes
        image = window(images[int(random.integers(len(images)))], random)
    if random.random() < 0.06:
        image = image.filter(ImageFilter.GaussianBlur(random.uniform(0.8, 2.5)))
    photo = vary(image, random)
    return damage(photo, random), painter.paint(photo)


def load_photos(folder):
    photos = {path.stem: Image.open(path).convert("RGB") for path in sorted(pathlib.Path(folder).glob("*.jpg"))}
    if not photos:
        raise SystemExit(f"{folder}: no photos; models/training/photos/collect brings them")
    return photos


class Pairs:
    """Painted by several processes into files that all of them map; `done` says which are there."""

    def __init__(self, folder, photos, library, count, seed, processes):
        self.folder, self.photos, self.lib = pathlib.Path(folder), photos, library
        self.count, self.seed = count, seed
        self.folder.mkdir(parents=True, exist_ok=True)
        looks = len(Painter(library).looks)
        self.inputs = self._map("photos.u8", (count, SIDE, SIDE, 3))
        self.targets = self._map("painted.u8", (count, looks, SIDE, SIDE, 3))
        self.done = self._map("done.u8", (count,))
        self.next = multiprocessing.Value("i", 0)
        self.workers = [multiprocessing.Process(target=self._work, daemon=True) for _ in range(processes)]
        for worker in self.workers:
            worker.start()

    def _map(self, name, shape):
        path = self.folder / name
        if not path.exists() or path.stat().st_size != int(numpy.prod(shape)):
            with open(path, "wb") as file:
                file.truncate(int(numpy.prod(shape)))
        return numpy.memmap(path, numpy.uint8, "r+", shape=shape)

    def _work(self):
        os.nice(5)
        painter = Painter(self.lib)
        photos = load_photos(self.photos)
        portraits = [image for name, image in photos.items() if name.startswith("face-")]
        scenes = [image for name, image in photos.items() if not name.startswith("face-")]
        while True:
            with self.next.get_lock():
                number = self.next.value
                self.next.value += 1
            if number >= self.count:
                return
            if not self.done[number]:
                self.inputs[number], self.targets[number] = make_pair(number, self.seed, portraits, scenes, painter)
                self.done[number] = 1

    def check(self):
        for worker in self.workers:
            if worker.exitcode not in (None, 0):
                raise SystemExit("a process that paints has died; its message is above")


def paint_whole(arguments):
    """A held-out photo at the size at which it is judged, and its paintings."""
    path, library, side = arguments
    image = Image.open(path).convert("RGB")
    image.thumbnail((side, side), Image.LANCZOS)
    photo = numpy.asarray(image)[: image.height // 8 * 8, : image.width // 8 * 8]
    return path.stem, photo, Painter(library).paint(photo)


def paint_held_out(folder, library, side, processes):
    tasks = [(path, library, side) for path in sorted(pathlib.Path(folder).glob("*.jpg"))]
    with multiprocessing.Pool(processes) as pool:
        return pool.map(paint_whole, tasks, chunksize=1)


def temporary():
    return tempfile.mkdtemp(prefix="anime-looks-")
