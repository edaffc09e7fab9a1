#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The painter in programs of others, which know nothing of it but its name: playbin's video-filter, an effect of GES,
and an effect file as Cheese reads it.

usage: applications_test.py playbin|ges|effect
"""
import configparser
import os
import re
import sys
import tempfile

from client import EXAMPLES, need, need_elements, need_module, run

FRAMES = 15


def make_clip(folder):
    need_elements(vp8enc="gstreamer1.0-plugins-good", webmmux="gstreamer1.0-plugins-good")
    clip = os.path.join(folder, "clip.webm")
    run("gst-launch-1.0", "-q", "videotestsrc", f"num-buffers={FRAMES}", "pattern=zone-plate", "kx2=20",
        "ky2=20", "!",
        "video/x-raw,width=320,height=240,framerate=15/1", "!", "vp8enc", "deadline=1", "!", "webmmux", "!", "filesink",
        "location=" + clip)
    return clip


def playbin(folder):
    """Every frame that was in time was painted, and nothing but the property was told to playbin."""
    output = run("gst-launch-1.0", "-m", "playbin", "uri=file://" + make_clip(folder),
                 "video-filter=animeganfilter qos=false", "video-sink=fakevideosink", "audio-sink=fakesink")
    painted = len(re.findall(r"^Got message .*\(element\): animeganfilter, ", output, re.MULTILINE))
    # The first one is painted for the preroll.
    assert painted == FRAMES, (painted, output)


def ges(folder):
    need("ges-launch-1.0", "ges1.0-tools")
    output = os.path.join(folder, "painted.webm")
    run("ges-launch-1.0", "+clip", make_clip(folder), "+effect", "animeganfilter", "-o", "file://" + output, "--format",
        "video/webm:video/x-vp8", timeout=120)
    plain = os.path.join(folder, "plain.webm")
    run("ges-launch-1.0", "+clip", make_clip(folder), "-o", "file://" + plain, "--format", "video/webm:video/x-vp8",
        timeout=120)
    difference = mean_difference(output, plain)
    assert difference > 1, f"the effect changed little: {difference} levels"


def mean_difference(a, b):
    """Between the first frames of two films, in levels."""
    frames = []
    for name in a, b:
        raw = name + ".rgb"
        run("gst-launch-1.0", "-q", "filesrc", "location=" + name, "!", "decodebin", "!", "videoconvert", "!",
            "video/x-raw,format=RGB", "!", "identity", "eos-after=2", "!", "filesink", "location=" + raw)
        with open(raw, "rb") as file:
            frames.append(file.read(1280 * 720 * 3))  # GES makes it 720p
    assert len(frames[0]) == len(frames[1]) == 1280 * 720 * 3, [len(frame) for frame in frames]
    return sum(abs(x - y) for x, y in zip(*frames)) / len(frames[0])


def effect(_folder):
    """Cheese puts what the file names between two videoconvert (cheese-camera.c)."""
    path = os.path.join(EXAMPLES, "anime.effect")
    file = configparser.ConfigParser()
    file.read(path, encoding="utf-8")
    pipeline = file["Effect"]["PipelineDescription"]
    assert file["Effect"]["Name"] and pipeline
    output = run("gst-launch-1.0", "-m", "videotestsrc", "num-buffers=3", "!", "videoconvert", "!", *pipeline.split(), "!",
                 "videoconvert", "!", "fakesink")
    assert "animeganfilter, " in output, output
    need_module("Cheese", "3.0", "gir1.2-cheese-3.0")
    from gi.repository import Cheese
    loaded = Cheese.Effect.load_from_file(path)
    assert (loaded.get_name(), loaded.get_pipeline_desc()) == ("Anime", pipeline)


with tempfile.TemporaryDirectory() as temporary:
    {"playbin": playbin, "ges": ges, "effect": effect}[sys.argv[1]](temporary)
