# SPDX-License-Identifier: LGPL-2.1-or-later
"""The real anime-server and anime-worker as processes, what tests ask of them, and photos that no cache knows."""
import http.client
import json
import os
import random
import re
import signal
import socket
import struct
import subprocess
import threading
import time

MIB = 1 << 20


class Failed(Exception):
    pass


class Skipped(Exception):
    pass


class NotStarted(Failed):
    """A program ended before it said where it listens; the text is what it said."""


def expect(condition, text):
    if not condition:
        raise Failed(text)


def free_port():
    """For a program that can't choose one itself: below those that the kernel gives to clients. Nobody gets it by
    chance before it is bound, and no client that tries it again and again is connected to itself."""
    while True:
        port = random.randrange(10000, 32768)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                pass


def wait_until(what, condition, seconds=60.0):
    """The condition's value once there is one; fails with `what` was waited for."""
    end = time.monotonic() + seconds
    while not (value := condition()):
        expect(time.monotonic() < end, f"waited {seconds:.0f} s for {what}")
        time.sleep(0.01)
    return value


def grown(jpeg, size, comments=b""):
    """The same picture with comments after the start of the image, until it has about `size` bytes."""
    while len(jpeg) + len(comments) + 65537 <= size:
        comments += b"\xff\xfe\xff\xff" + b" " * 65533
    return jpeg[:2] + comments + jpeg[2:]


def variant(jpeg, number, size=0):
    """The same picture with other bytes, so that no cache knows it."""
    return grown(jpeg, size, b"\xff\xfe" + struct.pack(">H", 10) + struct.pack(">Q", number))


def gstreamer_environment(build):
    """The build's plugin, and of the system's those that tests see (tests/gstreamer-plugins.txt)."""
    return {
        "GST_PLUGIN_PATH_1_0": os.path.join(build, "plugins", "anime"),
        "GST_PLUGIN_SYSTEM_PATH_1_0": os.path.join(build, "tests", "system-plugins"),
        "GST_REGISTRY_1_0": os.path.join(build, "programs-registry.bin"),
    }


class Program:
    """One of the two on free ports. Its log is read as it comes, unless it goes to another `stdout`."""

    def __init__(self, build, name, options, pipelines, prefix=(), environment=None, stdout=None):
        self.name = name
        environment = {**os.environ, **gstreamer_environment(build), **(environment or {})}
        environment["ANIME_MODULE_PATH"] = os.path.join(build, "plugins", "torch")
        environment["ANIME_PIPELINE_PATH"] = pipelines
        environment.pop("G_DEBUG", None)
        self.lines = []
        self.errors = []
        self.changed = threading.Condition()
        ports = ["--metrics-port=0"] + (["--port=0"] if name == "anime-server" else [])
        self.process = subprocess.Popen([*prefix, os.path.join(build, "service", name), *ports, *options],
                                        env=environment, stdout=stdout or subprocess.PIPE, stderr=subprocess.PIPE,
                                        text=True)
        self.pid = self.process.pid
        self.host = "127.0.0.1"
        self.readers = []
        for stream, lines in ((self.process.stderr, self.errors), (self.process.stdout, self.lines)):
            if stream:
                self.readers.append(threading.Thread(target=self.read, args=(stream, lines), daemon=True))
                self.readers[-1].start()
        # On stderr, as it is there also where nobody reads the log.
        self.metrics_port = int(self._await_address(r"metrics on port (\d+)", 60))
        self.port = None
        if name == "anime-server":
            self.port = int(self._await_address(r"http://\S+:(\d+)/", 60))

    def ended(self):
        """It is gone, and all that it said was read."""
        return self.process.poll() is not None and not any(reader.is_alive() for reader in self.readers)

    def _await_address(self, pattern, seconds):
        end = time.monotonic() + seconds
        with self.changed:
            while not (found := re.search(pattern, "".join(self.errors))):
                if self.ended() or time.monotonic() >= end:
                    raise NotStarted(f"{self.name} did not start: {''.join(self.errors[-3:])}")
                self.changed.wait(0.2)
        return found.group(1)

    def read(self, stream, lines):
        for line in stream:
            with self.changed:
                lines.append(line)
                self.changed.notify_all()

    def log(self):
        with self.changed:
            return [json.loads(line) for line in self.lines]

    def await_log(self, message, seconds=60.0, **fields):
        """The first line with this message and these fields."""
        end = time.monotonic() + seconds
        seen = 0
        with self.changed:
            while True:
                for text in self.lines[seen:]:
                    line = json.loads(text)
                    if message in line["message"] and all(line.get(k) == v for k, v in fields.items()):
                        return line
                seen = len(self.lines)
                left = end - time.monotonic()
                expect(left > 0 and not self.ended(), f"{self.name} did not say '{message}' in {seconds:.0f} s: "
                                               f"{''.join(self.lines[-8:])}{''.join(self.errors[-3:])}")
                self.changed.wait(min(left, 0.2))

    def request(self, method, path, body=None, headers=None, client=None, port=None, timeout=60):
        """(status, headers, body), names of headers in lower case; status 0 if there was no answer. `client` is the
        last byte of the address that asks."""
        source = (f"127.0.0.{client}", 0) if client else None
        connection = http.client.HTTPConnection(self.host, port or self.port, timeout=timeout, source_address=source)
        try:
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            return response.status, {k.lower(): v for k, v in response.getheaders()}, response.read()
        except (OSError, http.client.HTTPException):
            return 0, {}, b""
        finally:
            connection.close()

    def json(self, method, path, body=None, headers=None, **more):
        status, _, answer = self.request(method, path, body, headers, **more)
        return status, json.loads(answer) if answer else {}

    def submit(self, photo, pipeline="web", key=None, query=""):
        """(status, job or problem)."""
        headers = {"Content-Type": "image/jpeg"}
        if key:
            headers["Idempotency-Key"] = key
        return self.json("POST", f"/v1/jobs?pipeline={pipeline}{query}", photo, headers)

    def job(self, photo, pipeline="web", key=None):
        status, job = self.submit(photo, pipeline, key)
        expect(status == 202 or status == 200, f"submitted: {status} {job}")
        return job["id"]

    def state(self, job):
        return self.json("GET", f"/v1/jobs/{job}")[1].get("state")

    def finished(self, job, seconds=90):
        """The job once it is final."""
        end = time.monotonic() + seconds
        while True:
            status, document = self.json("GET", f"/v1/jobs/{job}", headers={"Prefer": "wait=10"})
            if document.get("state") in ("succeeded", "failed", "cancelled"):
                return document
            expect(time.monotonic() < end, f"the job is not final after {seconds} s: {status} {document}")
            if status != 200:
                time.sleep(0.1)

    def ready(self):
        return self.request("GET", "/readyz", port=self.metrics_port, timeout=10)[0] == 200

    def await_ready(self, seconds=60.0):
        wait_until(f"{self.name} to be ready", lambda: self.ready() or self.ended(), seconds)
        if self.ended():
            raise NotStarted(f"{self.name} did not get ready: {''.join(self.errors[-3:])}")
        return self

    def metrics(self):
        status, _, body = self.request("GET", "/metrics", port=self.metrics_port)
        expect(status == 200, f"{self.name} does not tell its metrics: {status}")
        return {line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1])
                for line in body.decode().splitlines() if line and not line.startswith("#")}

    def memory(self, field):
        """VmRSS or VmHWM (the peak) in MiB."""
        with open(f"/proc/{self.pid}/status", encoding="ascii") as status:
            for line in status:
                if line.startswith(field + ":"):
                    return int(line.split()[1]) / 1024
        raise RuntimeError("no " + field)

    def signal(self, number):
        os.kill(self.pid, number)

    def kill(self):
        if self.process.poll() is None:
            self.signal(signal.SIGKILL)
        self.process.wait(20)

    def stop(self, seconds=25):
        """The exit code of an orderly end."""
        if self.process.poll() is None:
            self.signal(signal.SIGTERM)
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise Failed(f"{self.name} does not end") from None

    def __enter__(self):
        return self

    def __exit__(self, *error):
        code = self.process.poll()
        if code is None:
            self.stop()
        else:
            expect(code == 0, f"{self.name} ended with {code}: {''.join(self.errors[-3:])}")
