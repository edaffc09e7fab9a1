#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The files of packaging/ are what their programs take. What isn't installed is left out, and said so.

usage: packaging.py ROOT SERVER
"""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

root, server = map(os.path.abspath, sys.argv[1:3])
packaging = os.path.join(root, "packaging")
left_out = []


def run(*command, **more):
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, **more)
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


def nginx(folder):
    configuration = os.path.join(folder, "nginx.conf")
    with open(configuration, "w", encoding="utf-8") as file:
        file.write(f"pid {folder}/pid; error_log stderr; events {{}} http {{ access_log off;\n")
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"):
            file.write(f"{kind}_temp_path {folder}/{kind};\n")
        file.write(read("nginx", "anime-server.conf") + "}\n")
    run("nginx", "-t", "-e", "stderr", "-c", configuration)


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
    with open(os.path.join(root, "service", "metrics.cpp"), encoding="utf-8") as file:
        known = set(re.findall(r'"((?:anime|process)_[a-z_]+)"', file.read()))
    used = re.findall(r"\b(?:anime|process)_[a-z_]+",
                      read("prometheus", "anime-server.rules.yml") + read("grafana", "anime-server.json"))
    unknown = {re.sub("_(bucket|sum|count)$", "", name) for name in used} - known
    assert not unknown, unknown


def units():
    unit = read("systemd", "anime-server.service").replace("/usr/local/bin/anime-server", server)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "anime-server.service")
        with open(path, "w", encoding="utf-8") as file:
            file.write(unit)
        run("systemd-analyze", "verify", "--man=no", path)


json.loads(read("grafana", "anime-server.json"))
json.loads(read("lnav", "anime-server.json"))
metrics_exist()
with tempfile.TemporaryDirectory() as temporary:
    if available("nginx"):
        nginx(temporary)
    if available("lnav"):
        lnav(temporary)
    if available("systemd-analyze"):
        units()
    if available("promtool"):
        run("promtool", "check", "rules", os.path.join(packaging, "prometheus", "anime-server.rules.yml"))
print("not installed, so not tried: " + ", ".join(left_out) if left_out else "all tried")
