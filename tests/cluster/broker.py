# SPDX-License-Identifier: LGPL-2.1-or-later
"""A real nats-server on a free port of the loopback, a small client to look into it, and a proxy that cuts in."""
import base64
import json
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import threading
import time

from programs import free_port


PASSWORDS = {"front": "front-secret", "worker": "worker-secret", "admin": "admin-secret"}


def rights(root):
    """The users of packaging/nats/, so that what is tested is what is shipped."""
    with open(os.path.join(root, "packaging", "nats", "anime-accounts.conf"), encoding="utf-8") as file:
        text = file.read()
    for name in ("front", "worker", "admin"):
        text = text.replace(f"$ANIME_{name.upper()}_PASSWORD", PASSWORDS[name])
    return text


class Broker:
    def __init__(self, root, folder, *, tls="", port=None, extra="", store=None, host="127.0.0.1", prefix=()):
        self.port = port or free_port()
        self.host, self.prefix = host, list(prefix)
        self.folder = folder
        self.store = store or os.path.join(folder, "store")
        self.config = os.path.join(folder, "nats-server.conf")
        self.process = None
        with open(self.config, "w", encoding="utf-8") as file:
            file.write(f"""
host: {host}
port: {self.port}
max_payload: 16MB
write_deadline: "10s"
jetstream {{ store_dir: "{self.store}", max_memory_store: 64MB, max_file_store: 4GB }}
{tls}
{rights(root)}
{extra}
""")
        self.start()

    def start(self):
        self.log = open(os.path.join(self.folder, "nats-server.log"), "ab")
        self.process = subprocess.Popen([*self.prefix, "nats-server", "-c", self.config], stdout=self.log, stderr=self.log)
        end = time.monotonic() + 60
        while time.monotonic() < end:
            if self.process.poll() is not None:
                with open(os.path.join(self.folder, "nats-server.log"), encoding="utf-8") as log:
                    raise RuntimeError("nats-server did not start: " + log.read()[-2000:])
            try:
                with socket.create_connection((self.host, self.port), timeout=1) as probe:
                    probe.settimeout(2)
                    if probe.recv(4) == b"INFO":
                        return
            except OSError:
                time.sleep(0.02)
        raise RuntimeError("nats-server does not answer")

    def kill(self, how=signal.SIGKILL):
        if self.process and self.process.poll() is None:
            os.kill(self.process.pid, how)
            self.process.wait(20)

    def stop(self):
        self.kill(signal.SIGTERM)
        shutil.rmtree(self.store, ignore_errors=True)

    def url(self, user="front", password=None, port=None, scheme="nats", host="127.0.0.1"):
        return f"{scheme}://{user}:{password or PASSWORDS[user]}@{host}:{port or self.port}"

    def rss(self):
        with open(f"/proc/{self.process.pid}/status", encoding="utf-8") as status:
            return int(re.search(r"VmRSS:\s+(\d+)", status.read()).group(1)) * 1024


class Nats:
    """As much of the protocol as tests need; one thread."""

    def __init__(self, port, user="admin", password=None):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        self.file = self.socket.makefile("rb")
        self.file.readline()
        options = {"verbose": False, "pedantic": False, "headers": True, "no_responders": True, "user": user,
                   "pass": password or PASSWORDS[user], "lang": "python", "version": "0", "protocol": 1}
        self.send(b"CONNECT " + json.dumps(options).encode() + b"\r\nPING\r\n")
        self.inbox = "_INBOX." + secrets.token_hex(8)
        self.expect_pong()
        self.send(f"SUB {self.inbox} 1\r\n".encode())

    def close(self):
        self.file.close()
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def send(self, data):
        self.socket.sendall(data)

    def expect_pong(self):
        while True:
            line = self.file.readline()
            if line.startswith(b"PONG"):
                return
            if line.startswith(b"-ERR") or not line:
                raise RuntimeError(line.decode() or "the broker hung up")

    def subscribe(self, subject):
        self.send(f"SUB {subject} 2\r\nPING\r\n".encode())
        self.expect_pong()

    def next(self, seconds=10):
        """(subject, headers, data) of the next message."""
        self.socket.settimeout(seconds)
        while True:
            line = self.file.readline()
            if not line:
                raise RuntimeError("the broker hung up")
            parts = line.split()
            if parts[0] == b"PING":
                self.send(b"PONG\r\n")
            elif parts[0] == b"MSG":
                data = self.file.read(int(parts[-1]) + 2)[:-2]
                return parts[1].decode(), b"", data
            elif parts[0] == b"HMSG":
                head, total = int(parts[-2]), int(parts[-1])
                data = self.file.read(total + 2)[:-2]
                return parts[1].decode(), data[:head], data[head:]
            elif parts[0] == b"-ERR":
                raise RuntimeError(line.decode())

    def publish(self, subject, data, reply="", headers=None):
        if headers is None:
            self.send(f"PUB {subject} {reply} {len(data)}\r\n".encode() + data + b"\r\n")
            return
        head = b"NATS/1.0\r\n" + b"".join(f"{k}: {v}\r\n".encode() for k, v in headers.items()) + b"\r\n"
        self.send(f"HPUB {subject} {reply} {len(head)} {len(head) + len(data)}\r\n".encode() + head + data + b"\r\n")

    def request(self, subject, data=b"", headers=None, seconds=10):
        self.publish(subject, data, self.inbox, headers)
        return self.next(seconds)[2]

    def ask(self, subject, **what):
        return json.loads(self.request("$JS.API." + subject, json.dumps(what).encode() if what else b""))

    def value(self, bucket, key):
        """A record, or None."""
        answer = self.ask(f"STREAM.MSG.GET.KV_{bucket}", last_by_subj=f"$KV.{bucket}.{key}")
        message = answer.get("message")
        return json.loads(base64.b64decode(message["data"])) if message else None

    def stream(self, name):
        return self.ask(f"STREAM.INFO.{name}").get("state")

    def forget(self, bucket, key):
        """The last value goes, as if the broker had never had it."""
        self.ask(f"STREAM.PURGE.KV_{bucket}", filter=f"$KV.{bucket}.{key}")


class Proxy:
    """Between one client and the broker. `decide(subject, data)` sees each message that the client publishes
    and says whether it is passed on: where it is not, the connection stands still."""

    def __init__(self, port, decide=None):
        self.target = port
        self.decide = decide or (lambda subject, data: True)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.sockets = []
        self.bytes_up = 0
        self.stopped = threading.Event()
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(("127.0.0.1", self.target), timeout=5)
                server.settimeout(None)
            except OSError:
                client.close()
                continue
            self.sockets += [client, server]
            threading.Thread(target=self.down, args=(server, client), daemon=True).start()
            threading.Thread(target=self.up, args=(client, server), daemon=True).start()

    @staticmethod
    def shut(*sockets):
        for one in sockets:
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def down(self, server, client):
        try:
            while data := server.recv(1 << 16):
                client.sendall(data)
        except OSError:
            pass
        self.shut(server, client)

    def up(self, client, server):
        file = client.makefile("rb")
        try:
            while line := file.readline():
                parts = line.split()
                if parts and parts[0] in (b"PUB", b"HPUB"):
                    body = file.read(int(parts[-1]) + 2)
                    if not self.decide(parts[1].decode(), body[:-2]):
                        self.stopped.wait()
                        return
                    self.bytes_up += len(body)
                    line += body
                server.sendall(line)
        except (OSError, ValueError):
            pass
        self.shut(server, client)

    def close(self):
        self.stopped.set()
        self.listener.close()
        self.shut(*self.sockets)
