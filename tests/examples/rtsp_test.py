#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Another GStreamer plays what examples/rtsp_server.py serves, a second one beside it, and ffprobe where there is one.

usage: rtsp_test.py
"""
import os
import re
import shutil
import sys

from client import EXAMPLES, description, need_elements, need_module, run, started

need_module("GstRtspServer", "1.0", "gir1.2-gst-rtsp-server-1.0")
need_elements(x264enc="gstreamer1.0-plugins-ugly", h264parse="gstreamer1.0-plugins-bad",
              rtspsrc="gstreamer1.0-plugins-good")

FRAMES = 10


def play(url):
    """Frames as they came over the wire, before any decoder."""
    with started("gst-launch-1.0", "-v", "rtspsrc", "location=" + url, "latency=50", "protocols=tcp", "!", "rtph264depay",
                 "!", "h264parse", "!", "video/x-h264,alignment=au", "!", "identity", f"eos-after={FRAMES + 1}",
                 "silent=false", "!", "fakesink") as client:
        # Not its exit code: rtspsrc of 1.22 now and then finds its connection closed when it says goodbye.
        client.wait_for("Got EOS")
    output = "".join(client.lines)
    assert re.search(r"h264parse0.GstPad:src: caps = .*width=\(int\)640, height=\(int\)360", output), output
    frames = output.count("last-message = chain ")
    assert frames >= FRAMES, output


with started(sys.executable, os.path.join(EXAMPLES, "rtsp_server.py"), description("rtsp-test"), "0") as server:
    address = server.wait_for("rtsp://").strip()
    play(address)
    with started("gst-launch-1.0", "-q", "rtspsrc", "location=" + address, "protocols=tcp", "!", "fakesink"):
        play(address)
    if shutil.which("ffprobe"):
        stream = run("ffprobe", "-v", "error", "-rtsp_transport", "tcp", "-show_entries", "stream=codec_name,width,height",
                     "-of", "csv=p=0", address)
        assert stream.split()[0] == "h264,640,360", stream
    assert server.process.poll() is None, "".join(server.lines)
