#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Writes the tensors of a .safetensors file as PyTorch's torch.save() would, without needing PyTorch.

make_checkpoint.py IN.safetensors OUT.pt FORM

FORM: ordered     an OrderedDict with _metadata, as state_dict() returns it
      parameters  the same with nn.Parameter around every tensor
      parallel    with "module." before every name (DataParallel)
      wrapped     inside another dict, beside an epoch counter
      transposed  with tensors that lie in column-major order
and, to be refused:
      number      no dict at all
      compressed  a zip archive that is compressed
      integers    tensors of 64-bit integers
      outside     tensors of twice the size of their storage
      shared      four thousand tensors more, all of the largest storage
      missing     without the storages
      foreign     a zip archive of something else
"""
import itertools
import json
import operator
import pickle
import struct
import sys
import zipfile
from collections import OrderedDict


class Global:
    """Stands for a function or class of torch, pickled by its name alone."""

    def __init__(self, module, name):
        self.module, self.name = module, name


class Storage:
    def __init__(self, key, count, kind="FloatStorage"):
        self.key, self.count, self.kind = key, count, kind


class Tensor:
    def __init__(self, storage, shape, column_major=False, parameter=False):
        self.storage, self.shape = storage, shape
        self.column_major, self.parameter = column_major, parameter

    def strides(self):
        order = range(len(self.shape)) if self.column_major else reversed(range(len(self.shape)))
        strides, step = [0] * len(self.shape), 1
        for dimension in order:
            strides[dimension] = step
            step *= self.shape[dimension]
        return tuple(strides)

    def reduce(self):
        if self.parameter:
            plain = Tensor(self.storage, self.shape, self.column_major)
            return Global("torch._utils", "_rebuild_parameter"), (plain, True, OrderedDict())
        return Global("torch._utils", "_rebuild_tensor_v2"), (
            self.storage, 0, tuple(self.shape), self.strides(), False, OrderedDict())


class Pickler(pickle._Pickler):
    """The pure Python one: only that lets a global be written that is not importable."""

    def persistent_id(self, obj):
        if isinstance(obj, Storage):
            return "storage", Global("torch", obj.kind), obj.key, "cpu", obj.count
        return None

    def reducer_override(self, obj):
        if isinstance(obj, Tensor):
            return obj.reduce()
        return NotImplemented

    def save_global_name(self, obj):
        self.write(pickle.GLOBAL + f"{obj.module}\n{obj.name}\n".encode())
        self.memoize(obj)

    dispatch = dict(pickle._Pickler.dispatch)
    dispatch[Global] = save_global_name

    def save_reduce(self, func, args, *rest, obj=None, **more):
        if isinstance(func, Global):
            self.save(func)
            self.save(args)
            self.write(pickle.REDUCE)
            self.memoize(obj)
        else:
            super().save_reduce(func, args, *rest, obj=obj, **more)


def read_safetensors(path):
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
        data = file.read()
    header.pop("__metadata__", None)
    return {name: (entry["shape"], data[slice(*entry["data_offsets"])]) for name, entry in header.items()}


def column_major(shape, data):
    """The same values, first dimension fastest."""
    values = [data[i:i + 4] for i in range(0, len(data), 4)]
    tensor = Tensor(None, shape)
    row, column = tensor.strides(), Tensor(None, shape, column_major=True).strides()
    moved = [b""] * len(values)
    for index in itertools.product(*map(range, shape)):
        moved[sum(map(operator.mul, index, column))] = values[sum(map(operator.mul, index, row))]
    return b"".join(moved)


def main(source, target, form):
    prefix = "module." if form == "parallel" else ""
    weights, records = OrderedDict(), []
    for key, (name, (shape, data)) in enumerate(read_safetensors(source).items()):
        if form == "transposed":
            data = column_major(shape, data)
        if form == "outside":
            shape = [2 * shape[0], *shape[1:]]
        storage = Storage(str(key), len(data) // 4, "LongStorage" if form == "integers" else "FloatStorage")
        weights[prefix + name] = Tensor(storage, shape, form == "transposed", form == "parameters")
        records.append((str(key), data))
    if form == "shared":
        largest = max(weights.values(), key=lambda tensor: tensor.storage.count)
        for number in range(4000):
            weights["again" + str(number)] = largest
    weights._metadata = OrderedDict({"": {"version": 1}})
    saved = {"wrapped": {"epoch": 7, "state_dict": weights}, "number": 42}.get(form, weights)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED if form == "compressed" else zipfile.ZIP_STORED) as archive:
        if form == "foreign":
            archive.writestr("letter.txt", "hello")
            return
        with archive.open("archive/data.pkl", "w") as file:
            Pickler(file, 2).dump(saved)
        archive.writestr("archive/version", "3\n")
        for key, data in records if form != "missing" else []:
            archive.writestr("archive/data/" + key, data)


if __name__ == "__main__":
    main(*sys.argv[1:])
