# SPDX-License-Identifier: LGPL-2.1-or-later
"""Starts the real server, talks to it, and watches its memory."""
import http.client
import json
import os
import select
import signal
import socket
import subprocess
import threading
import time

MIB = 1 << 20


def gstreamer_environment(build):
    """The build's plugin, and of the system's those that tests see (tests/gstreamer-plugins.txt)."""
    return {
        "GST_PLUGIN_PATH_1_0": os.path.join(build, "plugins", "anime"),
        "GST_PLUGIN_SYSTEM_PATH_1_0": os.path.join(build, "tests", "system-plugins"),
        "GST_REGISTRY_1_0": os.path.join(build, "load-registry.bin"),
    }


class Server:
    """anime-server on a free port of the loopback; every answer's status goes into `statuses`."""

    def __init__(self, build, root, *options, stdout=None, pipelines=None):
        environment = dict(os.environ)
        environment.update(gstreamer_environment(build))
        environment["ANIME_MODULE_PATH"] = os.path.join(build, "plugins", "torch")
        environment["ANIME_PIPELINE_PATH"] = pipelines or os.path.join(root, "pipelines")
        environment.pop("G_DEBUG", None)
        self.statuses = {}
        self.lock = threading.Lock()
        self.lines = []
        self.process = subprocess.Popen(
            [os.path.join(build, "service", "anime-server"), "--port=0", "--metrics-port=0", *options],
            env=environment, stdout=stdout or subprocess.PIPE, stderr=subprocess.PIPE)
        # The address is on stderr too, for the case that nobody reads stdout.
        line = self.process.stderr.readline().decode()
        try:
            self.port = int(line.split("http://127.0.0.1:")[1].split("/")[0])
            self.metrics_port = int(line.split("metrics on port ")[1].split(")")[0])
        except (IndexError, ValueError):
            raise RuntimeError("the server did not start: " + line + self.process.stderr.read().decode())
        if stdout is None:
            threading.Thread(target=self._read_log, daemon=True).start()
        for _ in range(600):
            if self.process.poll() is not None:
                raise RuntimeError("the server did not start: " + self.process.stderr.read().decode())
            if self.get("/readyz")[0] == 200:
                break
            time.sleep(0.1)
        with self.lock:
            self.statuses.clear()

    def _read_log(self):
        for line in self.process.stdout:
            self.lines.append(line)

    def log(self):
        return [json.loads(line) for line in list(self.lines)]

    def request(self, method, path, body=None, headers=None, client=1, timeout=90):
        """(status, headers, body); status 0 if the connection broke. `client` is the last byte of its address."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout,
                                                source_address=(f"127.0.0.{client}", 0))
        try:
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            result = response.status, dict(response.getheaders()), response.read()
        except (OSError, http.client.HTTPException):
            result = 0, {}, b""
        finally:
            connection.close()
        with self.lock:
            self.statuses[result[0]] = self.statuses.get(result[0], 0) + 1
        return result

    def get(self, path, **more):
        return self.request("GET", path, **more)

    def upload(self, photo, client=1, path="/upload"):
        return self.request("POST", path, photo, {"Content-Type": "image/jpeg"}, client)

    def metrics(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.metrics_port, timeout=20)
        connection.request("GET", "/metrics")
        text = connection.getresponse().read().decode()
        connection.close()
        return {line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1])
                for line in text.splitlines() if line and not line.startswith("#")}

    def memory(self, field):
        """VmRSS or VmHWM (the peak) in MiB."""
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as status:
            for line in status:
                if line.startswith(field + ":"):
                    return int(line.split()[1]) / 1024
        raise RuntimeError("no " + field)

    def socket(self, client=1):
        return socket.create_connection(("127.0.0.1", self.port), 60, (f"127.0.0.{client}", 0))

    def stop(self, number=signal.SIGTERM, timeout=25):
        """The exit code, and the seconds it took; None if it had to be killed."""
        start = time.monotonic()
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            code = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            code = None
        return code, time.monotonic() - start

    def __enter__(self):
        return self

    def __exit__(self, *error):
        code = self.process.poll()
        if code is None:
            self.stop()
        elif code:
            raise RuntimeError(f"the server ended with {code}: {self.process.stderr.read().decode()}")


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
