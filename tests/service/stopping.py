#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The server ends when it is told to, even where something in it hangs.

usage: stopping.py SERVER
"""
import json
import os
import subprocess
import sys
import tempfile

with tempfile.TemporaryDirectory() as folder:
    # Its first picture, which is painted at the start, would take an hour.
    with open(os.path.join(folder, "web.launch"), "w", encoding="utf-8") as file:
        file.write("appsrc name=input caps=image/jpeg ! identity sleep-time=3600000000 ! appsink name=output\n")
    command = [sys.argv[1], "--port=0", "--metrics-port=0", f"--pipelines={folder}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as server:
        for line in server.stdout:
            if json.loads(line)["message"] == "listening":
                break
        server.terminate()
        try:
            _, errors = server.communicate(timeout=100)
        except subprocess.TimeoutExpired:
            server.kill()
            sys.exit("it hangs")
assert server.returncode == 1, server.returncode
assert "left behind" in errors, errors
