// SPDX-License-Identifier: LGPL-2.1-or-later
// Filters that follow the edges of a picture.
#include "models/training/painter/flow.h"

#include "models/training/painter/filters.h"

#include <array>
#include <cmath>
#include <numbers>
#include <vector>

namespace anime::training
{
namespace
{

/// Bilinear, clamped at the edges.
inline Lab sample(const Picture &picture, float x, float y)
{
    x = std::clamp(x, 0.0F, static_cast<float>(picture.width - 1));
    y = std::clamp(y, 0.0F, static_cast<float>(picture.height - 1));
    const int x0 = static_cast<int>(x);
    const int y0 = static_cast<int>(y);
    const int x1 = std::min(x0 + 1, picture.width - 1);
    const int y1 = std::min(y0 + 1, picture.height - 1);
    const float fx = x - static_cast<float>(x0);
    const float fy = y - static_cast<float>(y0);
    const Lab *top = picture.row(y0);
    const Lab *bottom = picture.row(y1);
    const Lab upper = top[x0] + fx * (top[x1] - top[x0]);
    const Lab lower = bottom[x0] + fx * (bottom[x1] - bottom[x0]);
    return upper + fy * (lower - upper);
}

template <typename Function>
void each(const Picture &picture, Function function)
{
    for (int y = 0; y < picture.height; ++y)
        for (int x = 0; x < picture.width; ++x)
            function(x, y,
                     static_cast<std::size_t>(y) * static_cast<std::size_t>(picture.width) +
                         static_cast<std::size_t>(x));
}

/// A Gaussian on one side of its middle, where it is 1, as far as `reach` times sigma; and the sum of all of
/// it.
struct HalfGaussian {
    HalfGaussian(float sigma, float reach)
    {
        const int steps = static_cast<int>(std::ceil(reach * sigma));
        for (int i = 1; i <= steps; ++i) {
            taps.push_back(std::exp(-static_cast<float>(i * i) / (2 * sigma * sigma)));
            total += 2 * taps.back();
        }
    }

    std::vector<float> taps;
    float total = 1;
};

using Sectors = float __attribute__((vector_size(32)));

inline Sectors positive(Sectors v)
{
    return v > 0 ? v : Sectors{};
}

Lab dab(const Picture &picture, int px, int py, const Flow &flow, std::size_t at, float radius)
{
    static const Sectors cosine{1, 0.70710678F, 0, -0.70710678F, -1, -0.70710678F, 0, 0.70710678F};
    static const Sectors sine{0, 0.70710678F, 1, 0.70710678F, 0, -0.70710678F, -1, -0.70710678F};
    const int reach = static_cast<int>(std::ceil(radius * 1.5F));
    const float tx = flow.x[at];
    const float ty = flow.y[at];
    const float stretch = 1 + flow.anisotropy[at];
    const float iu = 1 / (stretch * radius);
    const float iv = stretch / radius;
    Sectors weight{}, squares{}, l{}, a{}, b{};
    for (int dy = -reach; dy <= reach; ++dy) {
        const Lab *row = picture.row(mirror(py + dy, picture.height));
        for (int dx = -reach; dx <= reach; ++dx) {
            const auto fx = static_cast<float>(dx);
            const auto fy = static_cast<float>(dy);
            const float u = (fx * tx + fy * ty) * iu;
            const float v = (fy * tx - fx * ty) * iv;
            const float d2 = u * u + v * v;
            if (d2 > 1)
                continue;
            const int x = px + dx;
            const Lab p = row[x < 0 || x >= picture.width ? mirror(x, picture.width) : x];
            float g = 1 - d2 * 0.375F; // exp(-3 d2), nearly
            g *= g;
            g *= g;
            g *= g;
            Sectors k;
            if (d2 < 1e-6F) {
                k = Sectors{} + 0.13F;
            } else {
                Sectors t = positive(u * cosine + v * sine);
                t *= t;
                k = t * t * (g / (d2 * d2));
            }
            weight += k;
            squares += k * (p[0] * p[0] + p[1] * p[1] + p[2] * p[2]);
            l += k * p[0];
            a += k * p[1];
            b += k * p[2];
        }
    }
    Lab sum{};
    float total = 0;
    for (int i = 0; i < 8; ++i) {
        const float e = 1 / (weight[i] + 1e-6F);
        const Lab mean{l[i] * e, a[i] * e, b[i] * e, 0};
        const float variance =
            std::max(squares[i] * e - mean[0] * mean[0] - mean[1] * mean[1] - mean[2] * mean[2], 0.0F);
        float k = variance / 12;
        k *= k;
        k = 1 / (1 + k * k);
        sum += k * mean;
        total += k;
    }
    return sum / total;
}

} // namespace

Flow edge_flow(const Picture &picture, float sigma)
{
    const int w = picture.width;
    const int h = picture.height;
    Picture tensor(w, h); // E, F, G of the structure tensor
    for (int y = 0; y < h; ++y) {
        const Lab *up = picture.row(mirror(y - 1, h));
        const Lab *at = picture.row(y);
        const Lab *down = picture.row(mirror(y + 1, h));
        for (int x = 0; x < w; ++x) {
            const int l = mirror(x - 1, w);
            const int r = mirror(x + 1, w);
            const Lab gx = (3 * (up[r] - up[l]) + 10 * (at[r] - at[l]) + 3 * (down[r] - down[l])) / 32;
            const Lab gy = (3 * (down[l] - up[l]) + 10 * (down[x] - up[x]) + 3 * (down[r] - up[r])) / 32;
            tensor.row(y)[x] = Lab{gx[0] * gx[0] + 0.7F * (gx[1] * gx[1] + gx[2] * gx[2]),
                                   gx[0] * gy[0] + 0.7F * (gx[1] * gy[1] + gx[2] * gy[2]),
                                   gy[0] * gy[0] + 0.7F * (gy[1] * gy[1] + gy[2] * gy[2]), 0};
        }
    }
    tensor = blur(tensor, sigma);
    Flow flow{Plane(w, h), Plane(w, h), Plane(w, h), Plane(w, h)};
    for (std::size_t i = 0; i < tensor.size(); ++i) {
        const float e = tensor[i][0];
        const float f = tensor[i][1];
        const float g = tensor[i][2];
        const float root = std::sqrt((e - g) * (e - g) + 4 * f * f);
        const float large = (e + g + root) / 2;
        const float small = std::max((e + g - root) / 2, 0.0F);
        float vx = large - e;
        float vy = -f;
        const float n = std::sqrt(vx * vx + vy * vy);
        flow.x[i] = n < 1e-6F ? 0 : vx / n;
        flow.y[i] = n < 1e-6F ? 1 : vy / n;
        flow.anisotropy[i] = (large - small) / (large + small + 1e-3F);
        flow.strength[i] = std::sqrt(std::max(large, 0.0F));
    }
    return flow;
}

Picture along(const Picture &picture, const Flow &flow, float sigma)
{
    const HalfGaussian kernel(sigma, 2);
    Picture out(picture.width, picture.height);
    const auto right = static_cast<float>(picture.width - 1);
    const auto bottom = static_cast<float>(picture.height - 1);
    each(picture, [&](int x, int y, std::size_t at) {
        Lab sum = picture[at];
        for (const float direction : {1.0F, -1.0F}) {
            auto px = static_cast<float>(x);
            auto py = static_cast<float>(y);
            float dx = direction * flow.x[at];
            float dy = direction * flow.y[at];
            for (const float k : kernel.taps) {
                px = std::clamp(px + dx, 0.0F, right);
                py = std::clamp(py + dy, 0.0F, bottom);
                sum += k * sample(picture, px, py);
                const auto near = static_cast<std::size_t>(static_cast<int>(py + 0.5F)) *
                                      static_cast<std::size_t>(picture.width) +
                                  static_cast<std::size_t>(static_cast<int>(px + 0.5F));
                const float turn = flow.x[near] * dx + flow.y[near] * dy < 0 ? -1.0F : 1.0F;
                dx = turn * flow.x[near];
                dy = turn * flow.y[near];
            }
        }
        out[at] = sum / kernel.total;
    });
    return out;
}

Picture across(const Picture &picture, const Flow &flow, float sigma)
{
    const HalfGaussian kernel(sigma, 2.2F);
    Picture out(picture.width, picture.height);
    each(picture, [&](int x, int y, std::size_t at) {
        const float gx = -flow.y[at];
        const float gy = flow.x[at];
        const auto px = static_cast<float>(x);
        const auto py = static_cast<float>(y);
        Lab sum = picture[at];
        float d = 0;
        for (const float k : kernel.taps) {
            d += 1;
            sum +=
                k * (sample(picture, px + gx * d, py + gy * d) + sample(picture, px - gx * d, py - gy * d));
        }
        out[at] = sum / kernel.total;
    });
    return out;
}

Picture shock(const Picture &picture, const Flow &flow, const Plane &strength)
{
    const Picture soft = blur(picture, 1.2F);
    Picture out(picture.width, picture.height);
    each(picture, [&](int x, int y, std::size_t at) {
        const Lab here = picture[at];
        if (strength[at] <= 0) {
            out[at] = here;
            return;
        }
        const float gx = -flow.y[at];
        const float gy = flow.x[at];
        const auto px = static_cast<float>(x);
        const auto py = static_cast<float>(y);
        const float curvature = sample(soft, px + gx * 1.5F, py + gy * 1.5F)[0] +
                                sample(soft, px - gx * 1.5F, py - gy * 1.5F)[0] - 2 * soft[at][0];
        const Lab one = sample(picture, px + gx, py + gy);
        const Lab other = sample(picture, px - gx, py - gy);
        Lab target = here;
        if (curvature < 0) {
            const Lab lighter = one[0] > other[0] ? one : other;
            target = lighter[0] > here[0] ? lighter : here;
        } else {
            const Lab darker = one[0] > other[0] ? other : one;
            target = darker[0] < here[0] ? darker : here;
        }
        const float k = strength[at] * std::tanh(std::abs(curvature) / 0.6F);
        out[at] = here + k * (target - here);
    });
    return out;
}

Picture dabs(const Picture &picture, const Flow &flow, const Plane &where, float radius)
{
    Picture out(picture.width, picture.height);
    each(picture, [&](int x, int y, std::size_t at) {
        out[at] = where[at] > 0 ? dab(picture, x, y, flow, at, radius) : picture[at];
    });
    return out;
}

} // namespace anime::training
