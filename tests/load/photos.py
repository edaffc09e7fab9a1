# SPDX-License-Identifier: LGPL-2.1-or-later
"""Photos to send, made with stock GStreamer elements, and files that only pretend to be photos."""
import os
import struct
import subprocess
import zlib

from programs import grown

PORTRAIT = "/usr/share/matplotlib/mpl-data/sample_data/grace_hopper.jpg"


def _launch(folder, name, line):
    path = os.path.join(folder, name)
    subprocess.run(f"timeout 60 gst-launch-1.0 -q {line} ! filesink location={path}", shell=True, check=True,
                   stdout=subprocess.DEVNULL)
    with open(path, "rb") as file:
        return file.read()


class Photos:
    def __init__(self, folder):
        scaled = (f"filesrc location={PORTRAIT} ! jpegdec ! videoscale ! videoconvert ! "
                  "video/x-raw,width={w},height={h} ! jpegenc quality={q}")
        self.small = _launch(folder, "small.jpg", scaled.format(w=800, h=600, q=90))
        self.tiny = _launch(folder, "tiny.jpg", scaled.format(w=320, h=240, q=85))
        self.sizes = [_launch(folder, "size.jpg", scaled.format(w=160 + 37 * n, h=640 - 21 * n, q=90))
                      for n in range(20)]
        # Noise is what compresses worst: a megabyte without being large, 12 MB at 12 megapixels.
        noise = "videotestsrc num-buffers=1 pattern=snow ! video/x-raw,width={w},height={h} ! jpegenc quality={q}"
        self.megabyte = grown(_launch(folder, "1mb.jpg", noise.format(w=1280, h=960, q=85)), 1_000_000)
        self.large = grown(_launch(folder, "12mp.jpg", noise.format(w=4000, h=3000, q=80)), 12_000_000)
        self.png = _launch(folder, "small.png", scaled.format(w=800, h=600, q=90).replace(
            "jpegenc quality=90", "pngenc"))


def jpeg_bomb(jpeg):
    """A small file whose header declares 16384×16384."""
    at = jpeg.index(b"\xff\xc0")
    return jpeg[:at + 5] + struct.pack(">HH", 16384, 16384) + jpeg[at + 9:]


def progressive(side):
    """A grey progressive JPEG, not subsampled: a decoder keeps 6 bytes of coefficients for each pixel of it."""
    def segment(marker, data):
        return b"\xff" + bytes([marker]) + struct.pack(">H", len(data) + 2) + data

    def scan(bits, components, first, last):
        bits += "1" * (-len(bits) % 8)
        data = bytes(int(bits[i:i + 8], 2) for i in range(0, len(bits), 8))
        head = bytes([len(components)]) + b"".join(bytes([c, 0]) for c in components) + bytes([first, last, 0])
        return segment(0xda, head) + data.replace(b"\xff", b"\xff\0")

    blocks = ((side + 7) // 8) ** 2
    dc_table = b"\0" + bytes([1] + 15 * [0]) + b"\0"             # 0: no difference to the block before
    ac_table = b"\x10" + bytes([1, 1] + 14 * [0]) + b"\xe0\x00"  # 0: 16384 empty blocks and a number more, 10: one
    runs, left = divmod(blocks, 32767)
    empty = "0" + "1" * 14
    coefficients = empty * runs
    if left >= 16384:
        coefficients += "0" + format(left - 16384, "014b")
        left = 0
    coefficients += "10" * left
    return (b"\xff\xd8" + segment(0xdb, b"\0" + b"\1" * 64) +
            segment(0xc2, struct.pack(">BHHB", 8, side, side, 3) + b"".join(bytes([c, 0x11, 0]) for c in (1, 2, 3))) +
            segment(0xc4, dc_table + ac_table) + scan("0" * 3 * blocks, (1, 2, 3), 0, 0) +
            b"".join(scan(coefficients, (c,), 1, 63) for c in (1, 2, 3)) + b"\xff\xd9")


def png_bomb():
    """A PNG header of 65535×65535 and nearly nothing behind it."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 65535, 65535, 8, 2, 0, 0, 0)) +
            chunk(b"IDAT", zlib.compress(b"\0" * 100000)) + chunk(b"IEND", b""))


def refused(photos):
    """(name, bytes, status that is right) of files that must not be painted."""
    svg = b'<svg xmlns="http://www.w3.org/2000/svg" width="10" height="10"><rect width="10" height="10"/></svg>'
    return [
        ("text", b"this is no photo\n" * 10, 415),
        ("html", b"<!doctype html><title>no</title>", 415),
        ("svg", svg, 415),
        ("gif", b"GIF89a\x01\0\x01\0\0\0\0,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;", 415),
        ("zip", b"PK\x03\x04" + b"\0" * 100, 415),
        ("truncated JPEG", photos.small[:len(photos.small) // 2], 422),
        ("JPEG header alone", photos.small[:200], 422),
        ("truncated PNG", photos.png[:len(photos.png) // 2], 422),
        ("JPEG bomb", jpeg_bomb(photos.tiny), 422),
        ("PNG bomb", png_bomb(), 422),
    ]
