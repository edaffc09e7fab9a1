# SPDX-License-Identifier: LGPL-2.1-or-later
"""The real server under load: many clients at once, what they wait for, and how it answers meanwhile."""
import os
import select
import socket
import threading
import time

from programs import Program


class Server(Program):
    """anime-server; every answer's status goes into `statuses`."""

    def __init__(self, build, root, *options, stdout=None, pipelines=None):
        self.statuses = {}
        self.lock = threading.Lock()
        super().__init__(build, "anime-server", options, pipelines or os.path.join(root, "pipelines"), stdout=stdout)
        self.await_ready(60)

    def request(self, method, path, body=None, headers=None, client=1, port=None, timeout=90):
        result = super().request(method, path, body, headers, client, port, timeout)
        if not port:
            with self.lock:
                self.statuses[result[0]] = self.statuses.get(result[0], 0) + 1
        return result

    def get(self, path, **more):
        return self.request("GET", path, **more)

    def upload(self, photo, client=1, path="/upload"):
        return self.request("POST", path, photo, {"Content-Type": "image/jpeg"}, client)

    def socket(self, client=1):
        return socket.create_connection((self.host, self.port), 60, (f"127.0.0.{client}", 0))


def parallel(count, function):
    """function(0..count-1) all at once; their results in order."""
    results = [None] * count

    def run(i):
        results[i] = function(i)
    threads = [threading.Thread(target=run, args=(i,), daemon=True) for i in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def percentile(values, part):
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * part))] if values else 0.0


def closed_after(sock, seconds):
    """Whether the server ends this connection within that time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        ready, _, _ = select.select([sock], [], [], max(0, end - time.monotonic()))
        if not ready:
            return False
        try:
            if not sock.recv(65536):
                return True
        except OSError:
            return True
    return False


class Prober:
    """Asks /livez all the time, and remembers how long it took."""

    def __init__(self, server):
        self.times = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(server,), daemon=True)
        self._thread.start()

    def _run(self, server):
        while not self._stop.is_set():
            start = time.monotonic()
            status, _, _ = server.get("/livez", client=250)
            self.times.append(time.monotonic() - start if status == 200 else 60.0)
            self._stop.wait(0.02)

    def stop(self):
        self._stop.set()
        self._thread.join()
        return percentile(self.times, 0.95)
