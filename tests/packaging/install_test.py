#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What `meson install` puts into a folder (DESTDIR) is used from there, with nothing of the build or of the source: by
gst-inspect-1.0, by programs that compilers make with the pkg-config files, by anime-run and by anime-server.

usage: install_test.py BUILD MESON
"""
import glob
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time
import urllib.request

build, meson = sys.argv[1:3]
PORTRAIT = "/usr/share/matplotlib/mpl-data/sample_data/grace_hopper.jpg"
CLEAN = {name: value for name, value in os.environ.items()
         if not name.startswith(("GST_", "ANIME_", "LD_LIBRARY_PATH"))}


def run(*command, **more):
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120,
                            check=False, **more)
    assert result.returncode == 0, f"{' '.join(command)}: exit code {result.returncode}\n{result.stdout}"
    return result.stdout


def wait_until_ready(address):
    end = time.monotonic() + 100
    while time.monotonic() < end:
        try:
            with urllib.request.urlopen(address + "/readyz", timeout=20):
                return
        except OSError:
            time.sleep(0.1)
    raise AssertionError("the server does not become ready")


with tempfile.TemporaryDirectory() as folder:
    run(meson, "install", "-C", build, "--no-rebuild", "--destdir", folder, env=CLEAN)
    plugins = glob.glob(os.path.join(folder, "**", "gstreamer-1.0", "libgstanime.so"), recursive=True)
    assert len(plugins) == 1, plugins
    libraries = os.path.dirname(os.path.dirname(plugins[0]))
    prefix = os.path.dirname(glob.glob(os.path.join(folder, "**", "bin", "anime-run"), recursive=True)[0]) + "/.."
    # A prefix that the linker knows needs no LD_LIBRARY_PATH; this one is staged.
    environment = {**CLEAN, "LD_LIBRARY_PATH": libraries, "GST_REGISTRY": os.path.join(folder, "registry.bin"),
                   "PKG_CONFIG_SYSROOT_DIR": folder, "XDG_DATA_HOME": os.path.join(folder, "data"),
                   "PKG_CONFIG_PATH": os.path.join(libraries, "pkgconfig")}

    # GStreamer's own programs, by the folder that pkg-config names.
    named = run("pkg-config", "--variable=pluginsdir", "gst-anime", env=environment).strip()
    assert os.path.samefile(named if named.startswith(folder) else folder + named, os.path.dirname(plugins[0])), named
    by_name = {**environment, "GST_PLUGIN_PATH": os.path.dirname(plugins[0])}
    for element in "sizeguard", "facepaint", "animeganfilter":
        assert "Factory Details" in run("gst-inspect-1.0", element, env=by_name)

    # The library alone, from a program of somebody else.
    source = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "examples", "paint.cpp")
    program = os.path.join(folder, "paint")
    # Its own flags only: the sysroot would move those of GStreamer too.
    flags = run("pkg-config", "--cflags", "--libs", "anime-models", env=environment).split()
    run("c++", "-std=c++20", source, "-o", program, *flags, env=environment)
    with open(os.path.join(folder, "in.ppm"), "wb") as picture:
        picture.write(b"P6 32 24 255\n" + bytes(range(256)) * 9)
    run(program, "in.ppm", "out.ppm", cwd=folder, env=environment)
    with open(os.path.join(folder, "out.ppm"), "rb") as picture:
        assert len(picture.read()) == len(b"P6 32 24 255\n") + 32 * 24 * 3

    # The runner finds descriptions and plugin beside itself.
    if os.path.exists(PORTRAIT):
        run(os.path.join(prefix, "bin", "anime-run"), PORTRAIT, "anime.png", cwd=folder, env=environment)
        assert os.path.getsize(os.path.join(folder, "anime.png")) > 10000

    # So does the server.
    server = os.path.join(prefix, "bin", "anime-server")
    if os.path.exists(server):
        with subprocess.Popen([server, "--port=0", "--metrics-port=0"], stdout=subprocess.PIPE, text=True,
                              env=environment) as process:
            try:
                started = json.loads(process.stdout.readline())
                address = f"http://127.0.0.1:{started['port']}"
                wait_until_ready(address)
                if os.path.exists(PORTRAIT):
                    with open(PORTRAIT, "rb") as photo:
                        request = urllib.request.Request(address + "/upload", photo.read(), {"Content-Type": "image/jpeg"})
                    with urllib.request.urlopen(request, timeout=60) as answer:
                        job = json.load(answer)
                    assert job["state"] == "succeeded" and len(job["image"]) > 10000, job
            finally:
                process.terminate()
    for program in "anime-server", "anime-worker":
        units = glob.glob(os.path.join(folder, "**", program + ".service"), recursive=True)
        assert len(units) == os.path.exists(os.path.join(prefix, "bin", program)), (program, units)
        for unit in units:
            with open(unit, encoding="utf-8") as file:
                assert "dir@" not in file.read()

    # Each program has its manual page.
    for program in os.listdir(os.path.join(prefix, "bin")):
        page = pathlib.Path(prefix, "share", "man", "man1", program + ".1")
        assert page.exists(), page

    # The documents came along with all that they link to.
    documents = pathlib.Path(prefix, "share", "doc", "gst-anime")
    for document in "README.md", "docs/pipelines.md", "packaging/README.md", "examples/player.cpp":
        assert (documents / document).exists(), document
    for document in documents.rglob("*.md"):
        for target in re.findall(r"\]\(([^)#\s]+)", document.read_text(encoding="utf-8")):
            assert "://" in target or (document.parent / target).exists(), f"{document}: {target}"
