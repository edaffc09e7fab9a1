#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""packaging/debian fits the build: the version, the packages that it needs, and each installed file is in one package.
packaging/try-debs builds and uses them, which takes too long for here.

usage: debian_test.py SOURCE BUILD MESON VERSION
"""
import fnmatch
import json
import pathlib
import re
import subprocess
import sys

source, build = map(pathlib.Path, sys.argv[1:3])
meson, version = sys.argv[3:5]
debian = source / "packaging" / "debian"
control = (debian / "control").read_text(encoding="utf-8")

first = (debian / "changelog").read_text(encoding="utf-8").splitlines()[0]
assert first.startswith(f"gst-anime ({version}) "), first

needed = re.search(r"^Build-Depends:\n((?: .*\n)+)", control, re.MULTILINE)[1]
needed = {line.split()[0].rstrip(",") for line in needed.splitlines()}
listed = (source / "packaging" / "debian-packages.txt").read_text(encoding="utf-8")
listed = set(re.search(r"^\[build\]\n((?:.+\n)+)", listed, re.MULTILINE)[1].splitlines())
# build-essential and meson bring these; pkgconf is the new name of pkg-config.
expected = {line for line in listed if not line.startswith("#")} - {"dpkg-dev", "g++", "ninja-build", "pkg-config"}
optional = {line for line in expected if re.search(r"nats|cuda|torch", line)}
assert expected - optional <= needed, expected - optional - needed

packages = set(re.findall(r"^Package: (.*)$", control, re.MULTILINE))
lists = {path.name.removesuffix(".install"): path for path in debian.glob("*.install")}
assert set(lists) == packages, (set(lists), packages)

patterns = {}
for package, path in lists.items():
    text = path.read_text(encoding="utf-8")
    if text.startswith("#!"):
        text = subprocess.run([path.resolve()], cwd=source, stdout=subprocess.PIPE, text=True, check=True).stdout
        files = [line.split()[0] for line in text.splitlines()]
        assert files and all((source / file).exists() for file in files), files
    else:
        patterns[package] = text.split()
patterns["none"] = (debian / "not-installed").read_text(encoding="utf-8").split()

installed = json.loads(subprocess.run([meson, "introspect", "--installed", str(build)], stdout=subprocess.PIPE, text=True,
                                      check=True).stdout)
prefix = next(option["value"] for option in json.loads(
    subprocess.run([meson, "introspect", "--buildoptions", str(build)], stdout=subprocess.PIPE, text=True,
                   check=True).stdout) if option["name"] == "prefix")
assert installed
for file in installed.values():
    name = "usr/" + str(pathlib.PurePath(file).relative_to(prefix))
    if "/gst-anime/libanime-torch" in name:  # not in the packages' build
        continue
    owners = [package for package, globs in patterns.items()
              if any(fnmatch.fnmatch(name, glob) or fnmatch.fnmatch(name, glob + "/*") for glob in globs)]
    assert len(owners) == 1, f"{name} is in {owners}"
