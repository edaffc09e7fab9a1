#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""virtual-camera: another program takes painted frames from the device of v4l2loopback, where there is one that this
user may use. Its kernel module is not loaded here.

usage: virtual_camera_test.py
"""
import glob
import os

from client import line_of, need_elements, run, skip, started

loopbacks = []
for name in glob.glob("/sys/class/video4linux/video*/name"):
    device = os.path.join("/dev", os.path.basename(os.path.dirname(name)))
    # v4l2loopback's devices are virtual ones and no test drivers (vivid) that produce a picture of their own.
    if "/virtual/" in os.path.realpath(name) and os.access(device, os.R_OK | os.W_OK) and \
            os.path.exists(os.path.join(os.path.dirname(name), "max_openers")):
        loopbacks.append(device)
if not loopbacks:
    skip("there is no device of v4l2loopback (modprobe v4l2loopback exclusive_caps=1)")
need_elements(v4l2sink="gstreamer1.0-plugins-good")

words = [word.replace("/dev/video10", loopbacks[0]) for word in line_of("virtual-camera-test")]
with started("gst-launch-1.0", *words) as camera:
    camera.wait_for("Setting pipeline to PLAYING")
    output = run("gst-launch-1.0", "-v", "v4l2src", "device=" + loopbacks[0], "num-buffers=10", "!", "fakesink")
    assert "width=(int)1280, height=(int)720" in output and "YUY2" in output, output
