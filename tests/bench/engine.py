# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the parts of tests/bench/run share: a process that paints, the lines that a program prints, tables."""
import os
import subprocess
import sys


class Refused(Exception):
    """A row that this machine or this model can't have; the message says why."""


def environment(build, **extra):
    return dict(os.environ, ANIME_MODULE_PATH=os.path.join(build, "plugins/torch"), **extra)


class Painter:
    """A process that paints frames of one size with one executor."""

    def __init__(self, build, model, executor, precision, threads, size, **extra):
        self.process = subprocess.Popen(
            [os.path.join(build, "tests/bench/anime-bench-frames"), model, executor, precision, str(threads),
             str(size[0]), str(size[1])],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env=environment(build, **extra))
        ready = self.process.stdout.readline().split()
        if not ready:
            raise Refused(self.process.stderr.read().strip())
        self.isa, self.precision, self.architecture = ready[1:]

    def paint(self):
        """Milliseconds, and the count, bytes and largest of what the frame allocated."""
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline().split()
        if not line:
            raise Refused(self.process.stderr.read().strip())
        return float(line[0]), [int(word) for word in line[1:]]

    def close(self):
        """Ends the process; the most memory that it had, in MB."""
        self.process.stdin.close()
        peak = int(self.process.stdout.readline().split()[1])
        self.process.wait()
        return peak * 1024 / 1e6


def run_lines(command, build, **extra):
    done = subprocess.run(command, capture_output=True, text=True, env=environment(build, **extra))
    if done.returncode:
        raise Refused(done.stderr.strip() or f"{command[0]} ended with {done.returncode}")
    return [line.split("\t") for line in done.stdout.splitlines()]


def table(title, columns, rows):
    print(f"\n### {title}\n\n| {' | '.join(columns)} |\n|{'---|' * len(columns)}")
    for row in rows:
        print(f"| {' | '.join(str(cell) for cell in row)} |")
    sys.stdout.flush()


def verdict(met):
    return "met" if met else "**missed**"
