# SPDX-License-Identifier: LGPL-2.1-or-later
"""What every case gets: a broker of its own, fronts and workers to start, photos that nobody has seen."""
import os
import random
import shutil
import tempfile

from broker import Broker, Nats, Proxy
from programs import Program, variant

OPEN = ["--rate=1000000", "--burst=1000000"]


class Bench:
    ack_wait = 1

    def __init__(self, build, root, pipelines=None):
        self.build, self.root = build, root
        self.pipelines = pipelines or os.path.join(root, "tests", "cluster", "pipelines")
        self.folder = tempfile.mkdtemp(prefix="anime-cluster-")
        self.number = random.getrandbits(48)
        with open(os.path.join(root, "service", "warm-up.jpg"), "rb") as file:
            self.jpeg = file.read()
        self.brokers, self.programs, self.proxies = [], [], []
        self.figures = {}

    def photo(self, size=0, seconds=0.0):
        """One that nobody has seen, and that the pipeline `slow` works on for so long."""
        self.number += 1
        return variant(self.jpeg, self.number, size) + self.jpeg * round(seconds / 0.05)

    def broker(self, **more):
        folder = os.path.join(self.folder, f"broker-{len(self.brokers)}")
        os.makedirs(folder, exist_ok=True)
        broker = Broker(self.root, folder, **more)
        self.brokers.append(broker)
        return broker

    def nats(self, broker=None):
        return Nats((broker or self.brokers[0]).port)

    def proxy(self, decide=None, broker=None):
        proxy = Proxy((broker or self.brokers[0]).port, decide)
        self.proxies.append(proxy)
        return proxy

    def program(self, name, options, **more):
        program = Program(self.build, name, options, more.pop("pipelines", self.pipelines), **more)
        self.programs.append(program)
        return program

    def front(self, *options, url=None, ready=True, **more):
        url = url or self.brokers[0].url("front")
        front = self.program("anime-server", [f"--broker={url}", f"--ack-wait={self.ack_wait}", *OPEN, *options],
                             **more)
        return front.await_ready() if ready else front

    def worker(self, *options, url=None, ready=True, **more):
        url = url or self.brokers[0].url("worker")
        worker = self.program("anime-worker", [f"--broker={url}", "--workers=1", f"--ack-wait={self.ack_wait}", *options],
                              **more)
        return worker.await_ready() if ready else worker

    def close(self):
        for program in self.programs:
            program.kill()
        for proxy in self.proxies:
            proxy.close()
        for broker in self.brokers:
            broker.kill()
        shutil.rmtree(self.folder, ignore_errors=True)
