// SPDX-License-Identifier: LGPL-2.1-or-later
// Published filters, written anew.
#include "models/training/painter/filters.h"

#include <cmath>

namespace anime::training
{
namespace
{

std::vector<float> gaussian(float sigma)
{
    const int radius = std::max(1, static_cast<int>(std::ceil(2.7F * sigma)));
    std::vector<float> kernel;
    float sum = 0;
    for (int i = -radius; i <= radius; ++i) {
        kernel.push_back(std::exp(-static_cast<float>(i * i) / (2 * sigma * sigma)));
        sum += kernel.back();
    }
    for (float &k : kernel)
        k /= sum;
    return kernel;
}

template <typename T>
Grid<T> separable(const Grid<T> &in, const std::vector<float> &kernel)
{
    const int w = in.width;
    const int h = in.height;
    const int radius = static_cast<int>(kernel.size() / 2);
    Grid<T> across(w, h);
    std::vector<T> padded(static_cast<std::size_t>(w + 2 * radius));
    for (int y = 0; y < h; ++y) {
        const T *from = in.row(y);
        for (int x = -radius; x < w + radius; ++x)
            padded[static_cast<std::size_t>(x + radius)] = from[mirror(x, w)];
        T *to = across.row(y);
        for (int i = 0; i <= 2 * radius; ++i) {
            const float k = kernel[static_cast<std::size_t>(i)];
            const T *p = padded.data() + i;
            for (int x = 0; x < w; ++x)
                to[x] += k * p[x];
        }
    }
    Grid<T> out(w, h);
    for (int y = 0; y < h; ++y) {
        T *to = out.row(y);
        for (int i = 0; i <= 2 * radius; ++i) {
            const float k = kernel[static_cast<std::size_t>(i)];
            const T *p = across.row(mirror(y + i - radius, h));
            for (int x = 0; x < w; ++x)
                to[x] += k * p[x];
        }
    }
    return out;
}

/// exp(-x) for x >= 0, to within 0.02, without a call: the loops around it stay vectors.
inline float fade(float x)
{
    float t = std::max(0.0F, 1 - x * 0.125F);
    t *= t;
    t *= t;
    return t * t;
}

struct Planes {
    Plane l, a, b;
};

/// The picture's planes with a mirrored border, so that shifted rows need no bounds.
Planes bordered(const Picture &picture, int border)
{
    const int w = picture.width + 2 * border;
    const int h = picture.height + 2 * border;
    Planes planes{Plane(w, h), Plane(w, h), Plane(w, h)};
    for (int y = 0; y < h; ++y) {
        const Lab *from = picture.row(mirror(y - border, picture.height));
        for (int x = 0; x < w; ++x) {
            const Lab p = from[mirror(x - border, picture.width)];
            planes.l.row(y)[x] = p[0];
            planes.a.row(y)[x] = p[1];
            planes.b.row(y)[x] = p[2];
        }
    }
    return planes;
}

Plane box(const Plane &plane, int radius)
{
    return separable(plane, std::vector<float>(static_cast<std::size_t>(2 * radius + 1),
                                               1.0F / static_cast<float>(2 * radius + 1)));
}

} // namespace

Plane blur(const Plane &plane, float sigma)
{
    return separable(plane, gaussian(sigma));
}

Picture blur(const Picture &picture, float sigma)
{
    return separable(picture, gaussian(sigma));
}

Plane channel(const Picture &picture, int index)
{
    Plane plane(picture.width, picture.height);
    for (std::size_t i = 0; i < plane.size(); ++i)
        plane[i] = picture[i][index];
    return plane;
}

Picture joint_bilateral(const Picture &picture, const Picture &guide, int radius, float sigma,
                        const Plane &range)
{
    const int w = picture.width;
    const int h = picture.height;
    const Planes in = bordered(picture, radius);
    const Planes like = bordered(guide, radius);
    Picture out(w, h);
    const auto n = static_cast<std::size_t>(w);
    std::vector<float> sl(n), sa(n), sb(n), sw(n), precision(n);
    for (int y = 0; y < h; ++y) {
        std::fill(sl.begin(), sl.end(), 0.0F);
        std::fill(sa.begin(), sa.end(), 0.0F);
        std::fill(sb.begin(), sb.end(), 0.0F);
        std::fill(sw.begin(), sw.end(), 0.0F);
        for (int x = 0; x < w; ++x)
            precision[static_cast<std::size_t>(x)] = 0.5F / (range.row(y)[x] * range.row(y)[x]);
        const float *cl = like.l.row(y + radius) + radius;
        const float *ca = like.a.row(y + radius) + radius;
        const float *cb = like.b.row(y + radius) + radius;
        for (int dy = -radius; dy <= radius; ++dy) {
            for (int dx = -radius; dx <= radius; ++dx) {
                if (dx * dx + dy * dy > radius * radius)
                    continue;
                const float near = std::exp(-static_cast<float>(dx * dx + dy * dy) / (2 * sigma * sigma));
                const int at = radius + dx;
                const float *gl = like.l.row(y + radius + dy) + at;
                const float *ga = like.a.row(y + radius + dy) + at;
                const float *gb = like.b.row(y + radius + dy) + at;
                const float *il = in.l.row(y + radius + dy) + at;
                const float *ia = in.a.row(y + radius + dy) + at;
                const float *ib = in.b.row(y + radius + dy) + at;
                float *pl = sl.data(), *pa = sa.data(), *pb = sb.data(), *pw = sw.data();
                const float *pp = precision.data();
#pragma GCC ivdep
                for (int x = 0; x < w; ++x) {
                    const float l = gl[x] - cl[x];
                    const float a = ga[x] - ca[x];
                    const float b = gb[x] - cb[x];
                    const float k = near * fade((l * l + a * a + b * b) * pp[x]);
                    pw[x] += k;
                    pl[x] += k * il[x];
                    pa[x] += k * ia[x];
                    pb[x] += k * ib[x];
                }
            }
        }
        Lab *to = out.row(y);
        for (std::size_t x = 0; x < n; ++x) {
            const float k = 1 / sw[x];
            to[x] = Lab{sl[x] * k, sa[x] * k, sb[x] * k, 0};
        }
    }
    return out;
}

Picture rolling_guidance(const Picture &picture, float sigma, const Plane &range, int rounds)
{
    const int radius = static_cast<int>(std::lround(sigma * 1.5F));
    Picture guide = blur(picture, sigma);
    for (int i = 1; i < rounds; ++i)
        guide = joint_bilateral(picture, guide, radius, sigma, range);
    return guide;
}

Plane guided(const Plane &plane, int radius, float epsilon)
{
    Plane square = plane;
    for (float &v : square.cells)
        v *= v;
    const Plane mean = box(plane, radius);
    square = box(square, radius);
    Plane slope(plane.width, plane.height);
    Plane offset(plane.width, plane.height);
    for (std::size_t i = 0; i < plane.size(); ++i) {
        const float variance = std::max(square[i] - mean[i] * mean[i], 0.0F);
        slope[i] = variance / (variance + epsilon);
        offset[i] = mean[i] * (1 - slope[i]);
    }
    slope = box(slope, radius);
    offset = box(offset, radius);
    for (std::size_t i = 0; i < plane.size(); ++i)
        offset[i] += slope[i] * plane[i];
    return offset;
}

Plane gradient(const Plane &plane)
{
    const int w = plane.width;
    const int h = plane.height;
    Plane out(w, h);
    for (int y = 0; y < h; ++y) {
        const float *up = plane.row(mirror(y - 1, h));
        const float *at = plane.row(y);
        const float *down = plane.row(mirror(y + 1, h));
        for (int x = 0; x < w; ++x) {
            const int l = mirror(x - 1, w);
            const int r = mirror(x + 1, w);
            const float gx = 3 * (up[r] - up[l]) + 10 * (at[r] - at[l]) + 3 * (down[r] - down[l]);
            const float gy = 3 * (down[l] - up[l]) + 10 * (down[x] - up[x]) + 3 * (down[r] - up[r]);
            out.row(y)[x] = std::sqrt(gx * gx + gy * gy) / 32;
        }
    }
    return out;
}

Plane dilate3(const Plane &plane)
{
    Plane out(plane.width, plane.height);
    for (int y = 0; y < plane.height; ++y) {
        for (int x = 0; x < plane.width; ++x) {
            float most = plane.row(y)[x];
            for (int dy = -1; dy <= 1; ++dy)
                for (int dx = -1; dx <= 1; ++dx)
                    most =
                        std::max(most, plane.row(mirror(y + dy, plane.height))[mirror(x + dx, plane.width)]);
            out.row(y)[x] = most;
        }
    }
    return out;
}

Plane deviation(const Plane &plane, float sigma)
{
    Plane square = plane;
    for (float &v : square.cells)
        v *= v;
    square = blur(square, sigma);
    const Plane mean = blur(plane, sigma);
    for (std::size_t i = 0; i < plane.size(); ++i)
        square[i] = std::sqrt(std::max(square[i] - mean[i] * mean[i], 0.0F));
    return square;
}

} // namespace anime::training
