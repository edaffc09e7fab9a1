#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A player whose picture is painted, in Python (Debian: python3-gst-1.0); examples/player.cpp is the same in C++.

Its style and strength change while it plays, what the painter measures and what comes too late is read from the bus,
and one painted frame is pulled out of the pipeline into a file.

usage: player.py [SECONDS [FRAME.ppm [STYLE]]]
"""
import math
import os
import sys
import time

os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # the threads that paint shall not spin while they wait
import gi  # noqa: E402

gi.require_version("Gst", "1.0")
gi.require_version("GstVideo", "1.0")
from gi.repository import Gst, GstVideo  # noqa: E402

# Any source serves: uridecodebin uri=…, v4l2src. The queue before the painter drops what it has no time for, the one
# behind it lets it begin the next frame while the last is shown. A tee hands each painted frame to both sinks.
LINE = """
    videotestsrc is-live=true pattern=ball ! video/x-raw,width=640,height=360,framerate=30/1 ! videoconvert !
    queue leaky=downstream max-size-buffers=1 ! animeganfilter name=paint message-interval=500000000 !
    queue max-size-buffers=2 ! videoconvert ! tee name=painted
    painted. ! queue ! autovideosink
    painted. ! queue leaky=downstream max-size-buffers=1 ! videoconvert ! video/x-raw,format=RGB !
    appsink name=frames max-buffers=1 drop=true sync=false
"""


def save(sample, path):
    info = GstVideo.VideoInfo.new_from_caps(sample.get_caps())
    pixels = sample.get_buffer().extract_dup(0, sample.get_buffer().get_size())
    with open(path, "wb") as file:
        file.write(b"P6 %d %d 255\n" % (info.width, info.height))
        for y in range(info.height):  # a row may be longer than its pixels
            file.write(pixels[y * info.stride[0]:y * info.stride[0] + 3 * info.width])


def read(message):
    """Prints a message; False if it ends the stream."""
    if message.type == Gst.MessageType.ERROR:
        error, _debug = message.parse_error()
        print(error.message, file=sys.stderr)
        return False
    if message.type == Gst.MessageType.QOS:
        _format, processed, dropped = message.parse_qos_stats()
        print(f"{message.src.get_name()} was late: {processed} frames, {dropped} dropped")
    elif message.has_name("animeganfilter"):
        print(message.get_structure().to_string())
    return message.type != Gst.MessageType.EOS


def main(seconds=10, path="frame.ppm", style=None):
    Gst.init(None)
    pipeline = Gst.parse_launch(LINE)
    paint, frames = (pipeline.get_by_name(name) for name in ("paint", "frames"))
    pipeline.set_state(Gst.State.PLAYING)
    try:
        start = time.monotonic()
        goes_on = True
        while goes_on and (t := time.monotonic() - start) < float(seconds):
            paint.set_property("strength", 0.5 - 0.5 * math.cos(t))
            if style and t >= float(seconds) / 2:
                paint.set_property("model", style)  # the next frame is painted with it
            message = pipeline.get_bus().timed_pop(50 * Gst.MSECOND)
            goes_on = not message or read(message)
        sample = frames.emit("try-pull-sample", Gst.SECOND)
        if sample:
            save(sample, path)
        return 0 if sample and goes_on else 1
    finally:
        pipeline.set_state(Gst.State.NULL)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
