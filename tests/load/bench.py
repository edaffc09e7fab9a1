# SPDX-License-Identifier: LGPL-2.1-or-later
"""What every case gets: a server to start, photos that no cache knows, and how it fails."""
import random
import threading
import time

from harness import Server
from photos import variant

OPEN = ["--rate=100000", "--burst=100000", "--queue-size=128"]  # rates have cases of their own


class Failed(Exception):
    pass


class Skipped(Exception):
    pass


def expect(condition, text):
    if not condition:
        raise Failed(text)


def wait_until(what, condition, seconds=20):
    """The condition's value once there is one; fails with `what` was waited for."""
    end = time.monotonic() + seconds
    while not (value := condition()):
        expect(time.monotonic() < end, f"waited {seconds:.0f} s for {what}")
        time.sleep(0.01)
    return value


class Bench:
    def __init__(self, build, root, photos, long, pipelines):
        self.build, self.root, self.photos, self.long, self.pipelines = build, root, photos, long, pipelines
        self.number = random.getrandbits(48)
        self.lock = threading.Lock()

    def server(self, *options, **more):
        return Server(self.build, self.root, *OPEN, *options, pipelines=self.pipelines, **more)

    def new(self, jpeg):
        with self.lock:
            self.number += 1
            return variant(jpeg, self.number)
