#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Chromium shows what examples/webrtc_server.py paints: its page says how many frames it has decoded. A second viewer
takes the place of the first; what is no answer is refused.

usage: webrtc_test.py
"""
import http.client
import os
import re
import sys
import tempfile
import urllib.parse

from client import EXAMPLES, description, need, need_elements, need_module, started

need("chromium", "chromium")
need_module("GstWebRTC", "1.0", "gir1.2-gst-plugins-bad-1.0")
need_elements(webrtcbin="gstreamer1.0-plugins-bad", nicesrc="gstreamer1.0-nice", vp8enc="gstreamer1.0-plugins-good",
              dtlsenc="gstreamer1.0-plugins-bad", srtpenc="gstreamer1.0-plugins-bad")

BROWSER = ("chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
           "--disable-background-networking", "--disable-component-update", "--disable-sync", "--enable-logging=stderr",
           "--autoplay-policy=no-user-gesture-required", "--remote-debugging-port=0")


def enough(line):
    """The page's line once two seconds have been shown."""
    found = re.search(r"(\d+) frames of 640 × 360", line)
    return found and int(found[1]) >= 20


def watch(address):
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        with started(*BROWSER, "--user-data-dir=" + profile, address) as browser:
            print(browser.wait_for(enough).strip())


def refuses(address, body):
    connection = http.client.HTTPConnection(urllib.parse.urlsplit(address).netloc, timeout=60)
    connection.request("POST", "/answer", body)
    status = connection.getresponse().status
    connection.close()
    assert status == 400, (status, body[:20])


with started(sys.executable, os.path.join(EXAMPLES, "webrtc_server.py"), description("webrtc-test"), "0") as server:
    page = server.wait_for("http://").strip()
    refuses(page, "before any offer")
    watch(page)
    refuses(page, "")
    refuses(page, "x" * 100000)
    watch(page)
