#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The files of packaging/ are what their programs take. What isn't installed is left out, and said so.

usage: packaging.py ROOT BUILD SERVER
"""
import contextlib
import getpass
import http.client
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
sys.dont_write_bytecode = True
from programs import free_port  # noqa: E402

root, build, server = map(os.path.abspath, sys.argv[1:4])
# What ./check has unpacked where it is not installed.
os.environ["PATH"] += os.pathsep + os.path.join(build, "tools")
packaging = os.path.join(root, "packaging")
left_out = []


def run(*command, **more):
    result = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False, **more)
    if result.returncode != 0:
        sys.exit(f"{' '.join(command)}: {result.stdout}{result.stderr}")
    return result.stdout


def read(*path):
    with open(os.path.join(packaging, *path), encoding="utf-8") as file:
        return file.read()


def available(program):
    if shutil.which(program):
        return True
    left_out.append(program)
    return False


def nginx_configuration(folder, site):
    path = os.path.join(folder, "nginx.conf")
    with open(path, "w", encoding="utf-8") as file:
        file.write(f"user {getpass.getuser()}; daemon off; pid {folder}/pid; error_log stderr; events {{}}\n")
        file.write("http {\n")
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"):
            file.write(f"{kind}_temp_path {folder}/{kind};\n")
        file.write(site + "}\n")
    return path


@contextlib.contextmanager
def started(*command, **more):
    with subprocess.Popen(command, text=True, **more) as process:
        try:
            yield process
        finally:
            process.terminate()


def header_timeout():
    with open(os.path.join(root, "service", "ops", "options.h"), encoding="utf-8") as file:
        return int(re.search(r"header_timeout = (\d+);", file.read()).group(1))


def nginx(folder):
    """The file is valid as it ships, and does what it says in front of a real server."""
    site = read("nginx", "anime-server.conf")
    idle = int(re.search(r"upstream anime {[^}]*keepalive_timeout (\d+)s;", site).group(1))
    assert idle < header_timeout(), "nginx would use a connection that the server is just ending"
    lines = os.path.join(folder, "access.log")
    site = site.replace("/var/log/nginx/anime-server.log", lines)
    run("nginx", "-t", "-e", "stderr", "-c", nginx_configuration(folder, site))
    front, back = free_port(), free_port()
    site = re.sub(r"\n *listen [^\n]*", "", site).replace("server_name", f"listen 127.0.0.1:{front}; server_name")
    path = nginx_configuration(folder, site.replace("127.0.0.1:8080", f"127.0.0.1:{back}"))
    with started(server, f"--port={back}", "--metrics-port=0", "--trusted-proxy=127.0.0.1", "--pipeline=slow",
                 stdout=subprocess.PIPE) as service, \
            started("nginx", "-e", "stderr", "-c", path):
        log = []
        reader = threading.Thread(target=lambda: log.extend(service.stdout))
        reader.start()
        through_nginx(front)
        service.terminate()
        reader.join()
        # Nobody is there to answer now: nginx does, as the service would.
        down = ask(front, "GET", "/livez", **{"X-Request-ID": "mine-down"})
        expect_problem(down, 502, "unavailable")
        assert down[1]["X-Request-ID"] == "mine-down", down
        refused = nginx_refuses(front)
    with open(lines, encoding="utf-8") as file:
        logged = {line["request_id"]: line for line in map(json.loads, file)}
    assert logged["mine-down"]["status"] == 502 and logged["mine-down"]["client"] == "127.0.0.2", logged
    for request_id, status in refused.items():
        assert logged[request_id]["status"] == status, (request_id, status, logged.get(request_id))
    served = next(line for line in map(json.loads, log) if line["message"] == "GET /v1/limits")
    assert logged[served["request_id"]]["path"] == "/v1/limits", "both have the id that nginx made"
    job = next(line for line in map(json.loads, log) if line["message"] == "POST /v1/jobs")
    assert (job["client"], job["request_id"]) == ("127.0.0.2", "mine-1"), job


def nginx_refuses(port):
    """What nginx answers by itself is JSON with an id that its log has; the ids and their statuses."""
    refused = {}
    for head, status, code in (
            ("GET / HTTP/1.1\r\n", 400, "head-invalid"),
            ("GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n", 400, "head-invalid"),
            (f"GET /{'x' * 40000} HTTP/1.1\r\nHost: x\r\n", 414, "target-too-long"),
            (f"GET / HTTP/1.1\r\nHost: x\r\nCookie: {'x' * 40000}\r\n", 431, "head-invalid")):
        with socket.create_connection(("127.0.0.1", port), timeout=30) as client:
            client.sendall(f"{head}Connection: close\r\n\r\n".encode())
            answer = http.client.HTTPResponse(client)
            answer.begin()
            headers = dict(answer.getheaders())
            expect_problem((answer.status, headers, answer.read()), status, code)
            refused[headers["X-Request-ID"]] = status
    return refused


def connect(port):
    # Its own address, so that the server's log shows whether it is told who the client is.
    return http.client.HTTPConnection("127.0.0.1", port, timeout=30, source_address=("127.0.0.2", 0))


def ask(port, method, path, body=None, **headers):
    connection = connect(port)
    try:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()
    except OSError:
        return 0, {}, b""
    finally:
        connection.close()


def expect_problem(answer, status, code):
    got, headers, body = answer
    assert got == status and headers["Content-Type"] == "application/problem+json", answer
    problem = json.loads(body)
    assert (problem["status"], problem["code"]) == (status, code) and problem["remedy"], problem
    assert problem["request_id"] == headers["X-Request-ID"], (headers, problem)


def through_nginx(port):
    end = time.monotonic() + 60
    while ask(port, "GET", "/readyz")[0] != 200:
        assert time.monotonic() < end, "nothing answers through nginx"
        time.sleep(0.1)
    with open(os.path.join(root, "service", "warm-up.jpg"), "rb") as file:
        photo = file.read() * 70  # the description `slow` works on each of them for 30 ms
    status, headers, _ = ask(port, "POST", "/v1/jobs", photo, **{
        "Content-Type": "image/jpeg", "X-Request-ID": "mine-1", "X-Forwarded-For": "192.0.2.1"})
    assert status == 202, status
    assert headers["X-Request-ID"] == "mine-1", headers
    where = headers["Location"]
    connection = connect(port)
    connection.request("GET", where + "/events")
    events = connection.getresponse()
    first = events.readline() + events.readline()
    # The job takes two seconds; its first event is here before it is done, so nothing holds events back.
    assert b"event: progress" in first, first
    assert b"event: done" in events.read()
    connection.close()
    status, headers, picture = ask(port, "GET", where + "/result")
    assert status == 200 and picture.startswith(b"\xff\xd8") and headers["ETag"], (status, headers)

    assert ask(port, "GET", "/v1/limits")[0] == 200
    # Between --max-bytes and nginx's limit the server answers; beyond it nginx does, in the same form.
    for size in (5 << 20) + 1, 7 << 20:
        answer = ask(port, "POST", "/upload", b"\xff" * size, **{"Content-Type": "image/jpeg"})
        if size < 6 << 20 or answer[0] != 0:  # 0: nginx closes without reading on
            expect_problem(answer, 413, "size-bytes")
    for _ in range(100):  # 20, and one a second
        answer = ask(port, "POST", "/upload", b"", **{"Content-Type": "image/jpeg"})
        if answer[0] == 429:
            break
    expect_problem(answer, 429, "rate")


def lnav(folder):
    formats = os.path.join(folder, ".lnav", "formats", "installed")
    os.makedirs(formats)
    shutil.copy(os.path.join(packaging, "lnav", "anime-server.json"), formats)
    log = os.path.join(folder, "log.json")
    with open(log, "w", encoding="utf-8") as file:
        for layer, code in (("access", None), ("failure", "image-truncated")):
            line = {"time": "2026-01-02T03:04:05.678Z", "level": "info", "layer": layer, "request_id": "r-1",
                    "message": "m"}
            file.write(json.dumps(line | ({"code": code} if code else {})) + "\n")
    environment = dict(os.environ, HOME=folder, TERM="dumb")
    run("lnav", "-C", env=environment)
    query = ";SELECT request_id, layer, code FROM anime_server WHERE code IS NOT NULL"
    answer = run("lnav", "-n", "-c", query, "-c", ":write-csv-to -", log, env=environment)
    assert "r-1,failure,image-truncated" in answer, answer


def metrics_exist():
    """Every metric that an alert or a panel names is one that the service has."""
    with open(os.path.join(root, "service", "ops", "metrics.cpp"), encoding="utf-8") as file:
        known = set(re.findall(r'"((?:anime|process)_[a-z_]+)"', file.read()))
    used = re.findall(r"\b(?:anime|process)_[a-z_]+",
                      read("prometheus", "anime-server.rules.yml") + read("grafana", "anime-server.json"))
    unknown = {re.sub("_(bucket|sum|count)$", "", name) for name in used} - known
    assert not unknown, unknown


def panels_choose_their_instance():
    """A Prometheus has other exporters too, and more than one anime-server."""
    for panel in json.loads(read("grafana", "anime-server.json"))["panels"]:
        for target in panel.get("targets", []):
            for selector in re.findall(r"\b(?:anime|process)_[a-z_]+({[^}]*})?", target["expr"]):
                assert 'job="$job"' in selector and 'instance=~"$instance"' in selector, target["expr"]


def alerts_can_fire():
    """A quantile is never above its histogram's largest bucket, so no alert may ask for more."""
    with open(os.path.join(root, "service", "ops", "metrics.cpp"), encoding="utf-8") as file:
        source = file.read()
    buckets = {name: max(map(float, re.findall(r"[\d.]+", values)))
               for name, values in re.findall(r"BucketBoundaries (\w+) = \{([^}]*)\}", source)}
    thresholds = re.findall(r"histogram_quantile\(.*?anime_(\w+)_duration_seconds_bucket.*?> (\d+)",
                            read("prometheus", "anime-server.rules.yml"), re.DOTALL)
    assert thresholds
    for histogram, threshold in thresholds:
        largest = buckets[{"stage": "stage_seconds", "http_request": "request_seconds"}[histogram]]
        assert float(threshold) < largest, (histogram, threshold, largest)


def units():
    for name in "anime-server", "anime-worker":
        path = os.path.join(build, "packaging", name + ".service")
        if not os.path.exists(path):
            left_out.append(f"the unit of {name} (this build has no broker)")
            continue
        with open(path, encoding="utf-8") as file:
            unit = file.read()
        assert not re.search("@[a-z]+@", unit) and "x86_64" not in read("systemd", name + ".service.in"), unit
        program = os.path.join(os.path.dirname(server), name)
        unit = re.sub(rf"ExecStart=\S+/{name}", f"ExecStart={program}", unit)
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, name + ".service")
            with open(path, "w", encoding="utf-8") as file:
                file.write(unit)
            run("systemd-analyze", "verify", "--man=no", path)


json.loads(read("grafana", "anime-server.json"))
json.loads(read("lnav", "anime-server.json"))
metrics_exist()
panels_choose_their_instance()
alerts_can_fire()
with tempfile.TemporaryDirectory() as temporary:
    if available("nginx"):
        nginx(temporary)
    if available("lnav"):
        lnav(temporary)
    if available("systemd-analyze"):
        units()
    if available("promtool"):
        folder = os.path.join(packaging, "prometheus")
        run("promtool", "check", "rules", os.path.join(folder, "anime-server.rules.yml"))
        run("promtool", "test", "rules", "anime-server.tests.yml", cwd=folder)
print("not installed, so not tried: " + ", ".join(left_out) if left_out else "all tried")
