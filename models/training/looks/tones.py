# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a painting does to the tones of its photo: the range of luma, and the hue and lightness of skin."""
import numpy


def to_lab(rgb):
    x = rgb.reshape(-1, 3).astype(numpy.float64) / 255
    x = numpy.where(x <= 0.04045, x / 12.92, ((x + 0.055) / 1.055) ** 2.4)
    xyz = x @ numpy.array([[0.412453, 0.212671, 0.019334], [0.357580, 0.715160, 0.119193],
                           [0.180423, 0.072169, 0.950227]]) / (0.950456, 1, 1.088754)
    f = numpy.where(xyz > 0.008856, numpy.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return numpy.stack([116 * f[:, 1] - 16, 500 * (f[:, 0] - f[:, 1]), 200 * (f[:, 1] - f[:, 2])], 1)


def luma_range(rgb):
    """From the 1st to the 99th percentile, in levels."""
    low, high = numpy.percentile(rgb.reshape(-1, 3) @ numpy.array([0.299, 0.587, 0.114]), (1, 99))
    return high - low


def skin(photo, painting):
    """(share of the photo, its L, change of hue in degrees, change of L in units) over pixels of skin's colour."""
    a, b = to_lab(photo), to_lab(painting)
    hue, chroma = numpy.degrees(numpy.arctan2(a[:, 2], a[:, 1])), numpy.hypot(a[:, 1], a[:, 2])
    mask = (hue > 25) & (hue < 70) & (chroma > 10) & (chroma < 48) & (a[:, 0] > 18)
    if mask.sum() < 200:
        return 0, 0, 0, 0
    a, b = a[mask].mean(0), b[mask].mean(0)
    turned = numpy.degrees(numpy.arctan2(b[2], b[1]) - numpy.arctan2(a[2], a[1]))
    return mask.mean(), a[0], turned, b[0] - a[0]
