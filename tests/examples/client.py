# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the tests of examples and live descriptions share: children that end with the test, waits with a deadline, and
skips that say what is missing."""
import contextlib
import os
import shutil
import subprocess
import sys
import threading
import time

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
EXAMPLES = os.path.join(ROOT, "examples")


def description(name):
    return os.path.join(ROOT, "pipelines", name + ".launch")


def line_of(name):
    """A description's words, as gst-launch-1.0 takes them."""
    with open(description(name), encoding="utf-8") as file:
        return " ".join(line for line in file if not line.startswith("#")).split()


def skip(reason):
    print("skipped: " + reason)
    sys.exit(77)


def need(program, package):
    """A program, and the Debian package that has it."""
    if not shutil.which(program):
        skip(f"{program} is not installed ({package})")


def need_elements(**elements):
    for element, package in elements.items():
        if subprocess.run(["gst-inspect-1.0", element], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                          check=False).returncode:
            skip(f"{element} is not installed ({package})")


def need_module(name, version, package):
    """A library of GObject for Python."""
    import gi
    try:
        gi.require_version(name, version)
    except ValueError:
        skip(f"{name} for Python is not installed ({package})")


def run(*command, timeout=100, **more):
    """Its output, both streams; the test fails if it does."""
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=timeout,
                            check=False, **more)
    assert result.returncode == 0, f"{' '.join(command)}: exit code {result.returncode}\n{result.stdout}"
    return result.stdout


class Child:
    """A program that runs beside the test; its lines are collected."""

    def __init__(self, *command, **more):
        self.lines = []
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                        errors="replace", **more)
        self.reader = threading.Thread(target=self.read)
        self.reader.start()

    def read(self):
        for line in self.process.stdout:
            self.lines.append(line)

    def wait_for(self, what, seconds=100):
        """The first line for which `what` (a text or a function) holds."""
        found = what if callable(what) else lambda line: what in line
        end = time.monotonic() + seconds
        while True:
            ended = self.process.poll() is not None
            for line in list(self.lines):
                if found(line):
                    return line
            assert not ended and time.monotonic() < end, f"{self.process.args}: no {what} in\n" + "".join(self.lines)
            time.sleep(0.05)

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
        self.reader.join()


@contextlib.contextmanager
def started(*command, **more):
    child = Child(*command, **more)
    try:
        yield child
    finally:
        child.stop()
