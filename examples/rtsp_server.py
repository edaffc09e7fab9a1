#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Serves a painted camera as rtsp://127.0.0.1:8554/anime (Debian: gir1.2-gst-rtsp-server-1.0, python3-gi).

DESCRIPTION is pipelines/rtsp.launch, or rtsp-test.launch, which needs no camera. All clients see one painting, made
while there is a client.

usage: rtsp_server.py DESCRIPTION.launch [PORT]
"""
import os
import sys

os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # the threads that paint shall not spin while they wait
import gi  # noqa: E402

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402


def main(description, port="8554"):
    Gst.init(None)
    with open(description, encoding="utf-8") as file:
        line = " ".join(line for line in file if not line.startswith("#"))
    factory = GstRtspServer.RTSPMediaFactory(shared=True)
    factory.set_launch(f"( {line} )")
    server = GstRtspServer.RTSPServer(address="127.0.0.1", service=port)
    server.get_mount_points().add_factory("/anime", factory)
    if not server.attach():
        sys.exit(f"port {port} of 127.0.0.1 can't be listened on")
    print(f"rtsp://127.0.0.1:{server.get_bound_port()}/anime", flush=True)
    GLib.MainLoop().run()


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    try:
        main(*sys.argv[1:])
    except KeyboardInterrupt:
        pass
