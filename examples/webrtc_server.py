#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Shows a painted camera in a browser: http://127.0.0.1:8555/ (Debian: python3-gst-1.0, gir1.2-gst-plugins-bad-1.0,
gstreamer1.0-plugins-bad, gstreamer1.0-nice).

The page fetches an offer, answers it, and plays; a new viewer takes the place of the one before. DESCRIPTION is
pipelines/webrtc.launch, or webrtc-test.launch, which needs no camera. For viewers on other hosts it wants HTTPS and a TURN server in front.

usage: webrtc_server.py DESCRIPTION.launch [PORT]
"""
import http.server
import os
import sys
import threading

os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # the threads that paint shall not spin while they wait
import gi  # noqa: E402

gi.require_version("Gst", "1.0")
gi.require_version("GstSdp", "1.0")
gi.require_version("GstWebRTC", "1.0")
from gi.repository import Gst, GstSdp, GstWebRTC  # noqa: E402

PAGE = os.path.join(os.path.dirname(__file__), "webrtc.html")
LARGEST_ANSWER = 65536  # bytes; a browser's takes about 2000


class Viewer:
    """One pipeline, painting for one browser."""

    def __init__(self, line):
        self.pipeline = Gst.parse_launch(line)
        self.peer = self.pipeline.get_by_name("output")
        self.ready = threading.Event()
        self.peer.connect("on-negotiation-needed", self.make_offer)
        self.peer.connect("notify::ice-gathering-state", self.look_for_candidates)
        self.pipeline.set_state(Gst.State.PLAYING)

    def make_offer(self, _peer):
        self.peer.emit("create-offer", None, Gst.Promise.new_with_change_func(self.take_offer))

    def take_offer(self, promise):
        reply = promise.get_reply()  # owns the offer
        self.peer.emit("set-local-description", reply["offer"], Gst.Promise.new())

    def look_for_candidates(self, peer, _property):
        if peer.get_property("ice-gathering-state") == GstWebRTC.WebRTCICEGatheringState.COMPLETE:
            self.ready.set()

    def offer(self):
        """SDP with the addresses at which this side can be reached, or None and what the pipeline says."""
        if self.ready.wait(10):
            return self.peer.get_property("local-description").sdp.as_text(), None
        message = self.pipeline.get_bus().pop_filtered(Gst.MessageType.ERROR)
        return None, message.parse_error()[0].message if message else "no offer came within 10 s"

    def answer(self, text):
        result, sdp = GstSdp.SDPMessage.new_from_text(text)
        if result != GstSdp.SDPResult.OK:
            raise ValueError("this is no session description")
        answer = GstWebRTC.WebRTCSessionDescription.new(GstWebRTC.WebRTCSDPType.ANSWER, sdp)
        self.peer.emit("set-remote-description", answer, Gst.Promise.new())

    def stop(self):
        self.pipeline.set_state(Gst.State.NULL)


class Handler(http.server.BaseHTTPRequestHandler):
    line = ""
    viewer = None  # requests are served one after the other, so it needs no lock

    def reply(self, status, media_type, text):
        self.send_response(status)
        self.send_header("Content-Type", media_type)
        self.end_headers()
        self.wfile.write(text.encode())

    def do_GET(self):
        if self.path == "/":
            with open(PAGE, encoding="utf-8") as file:
                return self.reply(200, "text/html; charset=utf-8", file.read())
        if self.path != "/offer":
            return self.reply(404, "text/plain", "There are / and /offer.\n")
        if Handler.viewer:
            Handler.viewer.stop()
        Handler.viewer = Viewer(self.line)
        sdp, reason = Handler.viewer.offer()
        return self.reply(200, "application/sdp", sdp) if sdp else self.reply(503, "text/plain", reason)

    def do_POST(self):
        length = int(self.headers.get("Content-Length", 0))
        if self.path != "/answer" or not Handler.viewer or not 0 < length <= LARGEST_ANSWER:
            return self.reply(400, "text/plain", "POST /answer takes the answer to what GET /offer gave.\n")
        try:
            Handler.viewer.answer(self.rfile.read(length).decode())
        except ValueError as error:
            return self.reply(400, "text/plain", f"{error}\n")
        return self.reply(204, "text/plain", "")


def main(description, port="8555"):
    Gst.init(None)
    with open(description, encoding="utf-8") as file:
        Handler.line = " ".join(line for line in file if not line.startswith("#"))
    server = http.server.HTTPServer(("127.0.0.1", int(port)), Handler)
    print(f"http://127.0.0.1:{server.server_port}/", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    try:
        main(*sys.argv[1:])
    except KeyboardInterrupt:
        pass
    finally:
        if Handler.viewer:
            Handler.viewer.stop()
