# SPDX-License-Identifier: LGPL-2.1-or-later
"""The real anime-server and anime-worker as processes, and what tests ask of them."""
import http.client
import json
import os
import signal
import subprocess
import threading
import time


class Failed(Exception):
    pass


class Skipped(Exception):
    pass


def expect(condition, text):
    if not condition:
        raise Failed(text)


def wait_until(what, condition, seconds=20.0):
    """The condition's value once there is one; fails with `what` was waited for."""
    end = time.monotonic() + seconds
    while not (value := condition()):
        expect(time.monotonic() < end, f"waited {seconds:.0f} s for {what}")
        time.sleep(0.01)
    return value


class Program:
    """One of the two on free ports; its log is read as it comes."""

    def __init__(self, build, name, options, pipelines, prefix=(), environment=None):
        self.name = name
        self.prefix = list(prefix)
        environment = {**os.environ, **(environment or {})}
        environment["GST_PLUGIN_PATH"] = os.path.join(build, "plugins", "anime")
        environment["GST_REGISTRY"] = os.path.join(build, "cluster-registry.bin")
        environment["ANIME_MODULE_PATH"] = os.path.join(build, "plugins", "torch")
        environment["ANIME_PIPELINE_PATH"] = pipelines
        environment.setdefault("OMP_WAIT_POLICY", "passive")
        environment.pop("G_DEBUG", None)
        self.lines = []
        self.errors = []
        self.changed = threading.Condition()
        self.process = subprocess.Popen([*self.prefix, os.path.join(build, "service", name), *options],
                                        env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.readers = [threading.Thread(target=self.read, args=(self.process.stdout, self.lines), daemon=True),
                        threading.Thread(target=self.read, args=(self.process.stderr, self.errors), daemon=True)]
        for reader in self.readers:
            reader.start()
        line = self.await_log("listening", 30)
        self.port = line.get("port")
        self.metrics_port = line["metrics_port"]
        self.pid = line["pid"]
        self.host = "127.0.0.1"

    def read(self, stream, lines):
        for line in stream:
            with self.changed:
                lines.append(line)
                self.changed.notify_all()

    def log(self):
        with self.changed:
            return [json.loads(line) for line in self.lines]

    def await_log(self, message, seconds=20.0, **fields):
        """The first line with this message and these fields."""
        end = time.monotonic() + seconds
        seen = 0
        with self.changed:
            while True:
                for text in self.lines[seen:]:
                    line = json.loads(line_of(text))
                    if message in line["message"] and all(line.get(k) == v for k, v in fields.items()):
                        return line
                seen = len(self.lines)
                left = end - time.monotonic()
                ended = self.process.poll() is not None and not any(r.is_alive() for r in self.readers)
                expect(left > 0 and not ended, f"{self.name} did not say '{message}' in {seconds:.0f} s: "
                                               f"{''.join(self.lines[-8:])}{''.join(self.errors[-3:])}")
                self.changed.wait(min(left, 0.2))

    def request(self, method, path, body=None, headers=None, port=None, timeout=60):
        """(status, headers, body); status 0 if there was no answer."""
        connection = http.client.HTTPConnection(self.host, port or self.port, timeout=timeout)
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

    def finished(self, job, seconds=40):
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
        return self.request("GET", "/readyz", port=self.metrics_port, timeout=2)[0] == 200

    def await_ready(self, seconds=20.0):
        wait_until(f"{self.name} to be ready", self.ready, seconds)
        return self

    def metrics(self):
        text = self.request("GET", "/metrics", port=self.metrics_port)[2].decode()
        return {line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1])
                for line in text.splitlines() if line and not line.startswith("#")}

    def signal(self, number):
        os.kill(self.process.pid, number)

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


def line_of(text):
    return text if text.startswith("{") else "{\"message\": \"\"}"
