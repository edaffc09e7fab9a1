#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Paints a photo from Python (Debian: python3-gst-1.0).

usage: meson devenv -C build python3 ../examples/animate.py PHOTO OUTPUT.png
"""
import sys

import gi

gi.require_version("Gst", "1.0")
from gi.repository import Gst  # noqa: E402

LINE = ("filesrc name=input ! sizeguard ! facepaint mode=overlay ! animeganfilter name=paint qos=false "
        "! pngenc ! filesink name=output")


def animate(photo, output):
    """Returns nothing, or raises RuntimeError with the element's own sentence."""
    pipeline = Gst.parse_launch(LINE)
    pipeline.get_by_name("input").set_property("location", photo)
    pipeline.get_by_name("output").set_property("location", output)
    bus = pipeline.get_bus()
    pipeline.set_state(Gst.State.PLAYING)
    try:
        while True:
            message = bus.timed_pop_filtered(
                Gst.CLOCK_TIME_NONE, Gst.MessageType.ERROR | Gst.MessageType.EOS | Gst.MessageType.ELEMENT)
            if message.type == Gst.MessageType.EOS:
                return
            if message.type == Gst.MessageType.ERROR:
                error, _debug = message.parse_error()
                raise RuntimeError(error.message)
            print(message.get_structure().to_string())
    finally:
        pipeline.set_state(Gst.State.NULL)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    Gst.init(None)
    try:
        animate(sys.argv[1], sys.argv[2])
    except RuntimeError as error:
        sys.exit(f"{sys.argv[1]}: {error}")
