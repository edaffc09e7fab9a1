#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What painting has taken is given back when memory is short, by the real plugin in the real server.

usage: trimming.py SERVER

A first server says how much two large photos leave behind. A second one may not have that much: it refuses an
upload, lets go of the models that nobody uses, and takes the next one.
"""
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

PATIENCE = 100  # seconds, for what takes one


class Server:
    def __init__(self, *options):
        # No picture is remembered, so each upload is painted.
        command = [sys.argv[1], "--port=0", "--metrics-port=0", "--cache-bytes=1048576", "--rate=100000",
                   "--burst=100000", *options]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        for line in self.process.stdout:
            said = json.loads(line)
            if said["message"] == "listening":
                self.port = said["port"]
                break
        while self.ask(urllib.request.Request(self.url("/readyz")))[0] != 200:
            time.sleep(0.05)

    def url(self, path):
        return f"http://127.0.0.1:{self.port}{path}"

    def ask(self, request):
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as refusal:
            return refusal.code, refusal.read()

    def upload(self, photo):
        status, body = self.ask(urllib.request.Request(
            self.url("/upload"), data=photo, headers={"Content-Type": "image/jpeg"}))
        return status if status == 200 else json.loads(body)["code"]

    def resident(self):
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as status:
            return next(int(line.split()[1]) << 10 for line in status if line.startswith("VmRSS"))

    def __enter__(self):
        return self

    def __exit__(self, failure, *_):
        if failure:
            self.process.kill()
        self.process.terminate()
        self.process.communicate(timeout=PATIENCE)


def photo(folder, width, height):
    path = os.path.join(folder, f"{width}.jpg")
    subprocess.run(["gst-launch-1.0", "-q", "videotestsrc", "num-buffers=1", "!",
                    f"video/x-raw,width={width},height={height}", "!", "jpegenc", "!", "filesink",
                    f"location={path}"], check=True, timeout=PATIENCE)
    with open(path, "rb") as file:
        return file.read()


def main():
    with tempfile.TemporaryDirectory() as folder:
        photos = [photo(folder, 1600, 1600), photo(folder, 1800, 1200)]

    with Server() as free:
        before = free.resident()
        for each in photos:
            assert free.upload(each) == 200
        held = free.resident() - before
    assert held > 30 << 20, f"two large photos leave {held >> 20} MB, too little to tell"

    limit = before + held // 2
    with Server(f"--memory-soft={limit}", f"--memory-hard={limit}") as short:
        taken = 0
        refused = 0
        end = time.monotonic() + PATIENCE
        while taken < 6 or refused == 0:
            answer = short.upload(photos[(taken + refused) % 2])
            assert answer in (200, "memory"), answer
            taken += answer == 200
            refused += answer == "memory"
            assert time.monotonic() < end, f"{taken} taken and {refused} refused; {short.resident() >> 20} MB"
            time.sleep(0.1)
        # The last picture's plan may be there again; one more refusal lets go of it.
        while (now := short.resident()) > limit:
            short.upload(photos[0])
            assert time.monotonic() < end, f"{now >> 20} MB stay, and {limit >> 20} MB is the limit"
            time.sleep(0.2)


main()
