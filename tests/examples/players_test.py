#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A player of examples/ plays, changes its style and strength meanwhile, prints what the painter says, and saves a
frame.

usage: players_test.py PROGRAM…
"""
import os
import re
import sys
import tempfile

from client import ROOT, run

# Some sinks of others that autovideosink tries first crash without a display (dfbvideosink).
os.environ["GST_PLUGIN_FEATURE_RANK"] = "fakevideosink:MAX"
STYLE = os.path.join(ROOT, "models", "weights", "hayao-palette.safetensors")

with tempfile.TemporaryDirectory() as folder:
    frame = os.path.join(folder, "frame.ppm")
    output = run(*sys.argv[1:], "6", frame, STYLE)
    with open(frame, "rb") as file:
        picture = file.read()
messages = re.findall(r"^animeganfilter, .*", output, re.MULTILINE)
assert len(messages) >= 2, output

digests = [re.search(r"digest=\(string\)(\w+)", message)[1] for message in messages]
assert len(set(digests)) == 2, f"one style after the other, but it was {digests}"

head = b"P6 640 360 255\n"
pixels = picture[len(head):]
assert picture.startswith(head) and len(pixels) == 640 * 360 * 3, (picture[:20], len(picture))
assert len(set(pixels)) > 4, "the frame is of one colour"
