#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The live descriptions: each has a sibling with a test picture for a camera and is the same behind it, parses, and has
its queues where they belong; the window's paints.

usage: live_test.py
"""
import glob
import os
import re

import gi

gi.require_version("Gst", "1.0")
from gi.repository import GLib, Gst  # noqa: E402

from client import ROOT, line_of, run  # noqa: E402

Gst.init(None)
siblings = sorted(glob.glob(os.path.join(ROOT, "pipelines", "*-test.launch")))
names = [os.path.basename(path).removesuffix("-test.launch") for path in siblings]
assert names == ["pipewire-camera", "rtsp", "virtual-camera", "webcam", "webrtc"], names


def behind_the_source(name):
    with open(os.path.join(ROOT, "pipelines", name + ".launch"), encoding="utf-8") as file:
        lines = [line for line in file if not line.startswith("#")]
    return lines[0], lines[1:]


for name in names:
    source, rest = behind_the_source(name)
    test_source, test_rest = behind_the_source(name + "-test")
    assert source.startswith("v4l2src ") and test_source.startswith("videotestsrc name=input is-live=true "), name
    assert rest == test_rest, name
    # One waits in front of the painter, the newest; two behind it.
    assert re.search(r"queue leaky=downstream max-size-buffers=1 .*! animeganfilter name=paint .*! "
                     r"queue max-size-buffers=2 ", " ".join(rest)), name
    for line in line_of(name), line_of(name + "-test"):
        try:
            Gst.parse_launch(" ".join(line))
        except GLib.Error as error:
            if not error.matches(Gst.ParseError.quark(), Gst.ParseError.NO_SUCH_ELEMENT):
                raise
            print(f"{name}: {error.message}")

words = line_of("webcam-test")
words[words.index("videotestsrc"):1] = ["videotestsrc", "num-buffers=15"]
words[words.index("autovideosink")] = "fakevideosink"
output = run("gst-launch-1.0", "-m", *words)
painted = len(re.findall(r"\(element\): animeganfilter, ", output))
# How many of them depends on the machine, but for the first.
assert painted >= 1 and "Got EOS" in output, output
