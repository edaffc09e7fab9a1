#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""models/fetch against a mirror in a folder, and anime-convert on what it brought.

fetch_test.py FETCH ANIME-CONVERT CHECKPOINT; CHECKPOINT is the hayao checkpoint, which may be missing.
"""
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

FETCH, CONVERT, CHECKPOINT = map(os.path.abspath, sys.argv[1:4])


class Fetch(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.home = pathlib.Path(scratch.name, "home")
        self.mirror = pathlib.Path(scratch.name, "mirror")
        self.mirror.mkdir()
        self.models = self.home / "gst-anime" / "models"

    def run_tool(self, *command):
        environment = dict(os.environ, XDG_DATA_HOME=str(self.home), ANIME_MODELS_URL=f"file://{self.mirror}")
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)

    def kept(self):
        return sorted(path.name for path in self.models.glob("*")) + \
            sorted(path.name for path in self.models.glob(".*"))

    def test_lists_the_catalogue(self):
        done = self.run_tool(FETCH, "--list")
        self.assertEqual(done.returncode, 0)
        for name in ("celeba_distill", "face_paint_512_v1", "face_paint_512_v2", "paprika", "animeganv2_hayao"):
            self.assertIn(name, done.stdout)
        for line in done.stdout.splitlines():
            self.assertRegex(line, r" 8\.6 MB ")

    def test_a_folder_that_can_not_be_entered(self):
        self.home.symlink_to(self.home)  # fails for root too
        self.assertEqual(self.run_tool(FETCH, "--list").returncode, 0)
        done = self.run_tool(FETCH, "paprika")
        self.assertEqual(done.returncode, 1)
        self.assertIn("can't be made: Too many levels of symbolic links", done.stderr)

    def test_help_and_no_argument(self):
        self.assertEqual(self.run_tool(FETCH, "--help").returncode, 0)
        self.assertEqual(self.run_tool(FETCH).returncode, 2)

    def test_unknown_name(self):
        done = self.run_tool(FETCH, "nobody")
        self.assertEqual(done.returncode, 1)
        self.assertIn("no checkpoint is called 'nobody'", done.stderr)

    def test_a_download_that_fails_leaves_nothing(self):
        done = self.run_tool(FETCH, "paprika")
        self.assertEqual(done.returncode, 1)
        self.assertIn("could not be downloaded", done.stderr)
        self.assertEqual(self.kept(), [])

    def test_another_file_is_refused_and_leaves_nothing(self):
        (self.mirror / "paprika.pt").write_bytes(b"<html>404</html>")
        done = self.run_tool(FETCH, "paprika")
        self.assertEqual(done.returncode, 1)
        self.assertIn("its git blob SHA-1 is", done.stderr)
        self.assertEqual(self.kept(), [])

    @unittest.skipUnless(os.path.exists(CHECKPOINT), CHECKPOINT + " is not there")
    def test_a_checkpoint_is_kept_and_converted(self):
        (self.mirror / "animeganv2_hayao.pt").symlink_to(CHECKPOINT)
        for said in ("licence: non-commercial", "is there already"):
            done = self.run_tool(FETCH, "animeganv2_hayao")
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn(said, done.stdout)
            self.assertEqual(self.kept(), ["animeganv2_hayao.pt"])

        target = self.home / "converted.safetensors"
        done = self.run_tool(CONVERT, str(self.models / "animeganv2_hayao.pt"), str(target))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("77 tensors, non-commercial", done.stdout)
        header = target.read_bytes()[:20000]
        for said in (b'"upsampling":"legacy"', b'"architecture":"animeganv2"', b'"name":"animeganv2_hayao"'):
            self.assertIn(said, header)


class Convert(unittest.TestCase):
    def run_convert(self, *arguments):
        return subprocess.run([CONVERT, *arguments], capture_output=True, text=True, timeout=60, check=False)

    def test_says_what_is_wrong(self):
        with tempfile.TemporaryDirectory() as folder:
            page = pathlib.Path(folder, "page.pt")
            page.write_text("<html>404</html>")
            target = pathlib.Path(folder, "out.safetensors")
            for arguments, status, message in (
                    ([], 2, "one input and one output"),
                    (["--nonsense", "a", "b"], 2, "Unknown option"),
                    ([folder + "/none.pt", str(target)], 1, "There is no model file"),
                    ([str(page), str(target)], 1, "is not a file of PyTorch's")):
                done = self.run_convert(*arguments)
                self.assertEqual(done.returncode, status, arguments)
                self.assertIn(message, done.stderr)
                self.assertFalse(target.exists())

    @unittest.skipUnless(os.path.exists(CHECKPOINT), CHECKPOINT + " is not there")
    def test_options_replace_what_is_known(self):
        with tempfile.TemporaryDirectory() as folder:
            target = pathlib.Path(folder, "out.safetensors")
            done = self.run_convert("--upsampling", "half-pixel", "--name", "mine", "--licence", "mine too",
                                    "--face-size", "256", "--tone", "graded", CHECKPOINT, str(target))
            self.assertEqual(done.returncode, 0, done.stderr)
            header = target.read_bytes()[:20000]
            for said in (b'"upsampling":"half-pixel"', b'"name":"mine"', b'"licence":"mine too"',
                         b'"face_size":"256"', b'"tone":"graded"'):
                self.assertIn(said, header)
            for option, value in (("--upsampling", "nearest"), ("--architecture", "vgg"), ("--face-size", "0"),
                                  ("--tone", "dark")):
                target.unlink(missing_ok=True)
                self.assertEqual(self.run_convert(option, value, CHECKPOINT, str(target)).returncode, 1)
                self.assertFalse(target.exists())


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
