# SPDX-License-Identifier: LGPL-2.1-or-later
"""What every case gets: a server to start, and photos that no cache knows."""
import random
import threading

from harness import Server
from programs import variant

OPEN = ["--rate=100000", "--burst=100000", "--queue-size=128"]  # rates have cases of their own


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
