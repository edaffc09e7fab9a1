#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""pipewire-camera: in a session of their own, PipeWire and WirePlumber show it as a camera, and another program takes
painted frames from it.

usage: pipewire_test.py         starts itself again under dbus-run-session
"""
import os
import sys
import tempfile
import time

from client import line_of, need, need_elements, run, started

if len(sys.argv) == 1:
    need("dbus-run-session", "dbus-daemon")
    need("pipewire", "pipewire")
    need("wireplumber", "wireplumber")
    need("gst-device-monitor-1.0", "gstreamer1.0-plugins-base-apps")
    need_elements(pipewiresink="gstreamer1.0-pipewire")
    os.execvp("dbus-run-session", ["dbus-run-session", "--", sys.executable, __file__, "inside"])

with tempfile.TemporaryDirectory() as folder:
    os.environ.update(XDG_RUNTIME_DIR=folder, XDG_CONFIG_HOME=folder, XDG_STATE_HOME=folder, PIPEWIRE_RUNTIME_DIR=folder)

    def monitor(seconds):
        """What lists devices keeps watching, so it is ended once it had its time."""
        with started("gst-device-monitor-1.0", "Video/Source") as listing:
            time.sleep(seconds)
        return "".join(listing.lines)

    with started("pipewire"):
        end = time.monotonic() + 60
        while not os.path.exists(os.path.join(folder, "pipewire-0")):
            assert time.monotonic() < end, "pipewire does not listen"
            time.sleep(0.1)
        with started("wireplumber"), started("gst-launch-1.0", *line_of("pipewire-camera-test")) as camera:
            camera.wait_for("Setting pipeline to PLAYING")
            end = time.monotonic() + 60
            seconds = 1
            while "anime-camera" not in (devices := monitor(seconds)):
                seconds += 1  # a busy machine is longer about it
                assert time.monotonic() < end, f"no camera among the devices:\n{devices}\n" + "".join(camera.lines)
            assert "Anime" in devices and "video/x-raw" in devices, devices
            output = run("gst-launch-1.0", "-v", "pipewiresrc", "target-object=anime-camera", "num-buffers=10", "!",
                         "videoconvert", "!", "fakesink")
            assert "width=(int)640, height=(int)360" in output and "format=(string)YUY2" in output, output
            assert camera.process.poll() is None, "".join(camera.lines)
