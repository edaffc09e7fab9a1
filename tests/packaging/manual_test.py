#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A program's manual page has the options that its --help has, with the same defaults, and man(1) has nothing against it.

usage: manual_test.py PROGRAM PAGE
"""
import os
import re
import shutil
import subprocess
import sys

program, page = sys.argv[1:3]


def run(*command):
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60, check=True,
                            env={**os.environ, "LC_ALL": "C.UTF-8", "MANWIDTH": "100"})
    return result.stdout, result.stderr


# "  -s, --style=NAME   A style (…)", or without the short name, or without a value. A default ends a line, in parentheses.
told = {}
for line in run(program, "--help")[0].splitlines():
    if option := re.match(r"  (?:-(\w), )?--([\w-]+)(?:=(\S+))? {2,}(.*)", line):
        short, name, value, text = option.groups()
        default = re.search(r"\(([^()]*)\)$", text)
        told[name] = (short, bool(value), default[1] if default else None)
for name in "help-all", "help-gst":  # GLib's
    told.pop(name, None)
assert "help" in told and len(told) > 5, told

with open(page, encoding="utf-8") as file:
    source = file.read()
assert not re.search(r"@\w+@", source), "something was not filled in"
written = {}
for item in re.split(r"^\.It ", source, flags=re.MULTILINE)[1:]:
    head, text = item.split("\n", 1)
    if option := re.fullmatch(r"Fl (?:(\w) , )?-([\w-]+)(?: Ns = Ns (?:Ar|Cm) (\S+))?", head):
        short, name, value = option.groups()
        written[name] = (short, bool(value), re.split(r"^\.[ES][lhs]", text, flags=re.MULTILINE)[0])

assert set(told) == set(written), f"only --help: {set(told) - set(written)}, only the page: {set(written) - set(told)}"
for name, (short, takes_value, default) in told.items():
    assert written[name][:2] == (short, takes_value), f"--{name}: {written[name][:2]}"
    text = " ".join(written[name][2].split())
    if default and re.match(r"\d|none$", default):
        assert f"({default})" in text, f"--{name}: ({default}) is not in '{text}'"

if not shutil.which("man"):
    print("there is no man (Debian: man-db) to read the page with")
    sys.exit(77)
shown, warnings = run("man", "--warnings", "--encoding=UTF-8", "--local-file", page)
assert not warnings, warnings
assert os.path.basename(program) in shown and all(f"--{name}" in shown for name in told)
