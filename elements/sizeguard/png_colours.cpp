// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/sizeguard/png_colours.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <memory>

#include <lcms2.h>

namespace anime
{

namespace
{

struct FreeCurve {
    void operator()(cmsToneCurve *curve) const { cmsFreeToneCurve(curve); }
};
using Curve = std::unique_ptr<cmsToneCurve, FreeCurve>;

/// Chromaticities, x and y in turn, of red, green, blue and white.
using Primaries = std::array<double, 8>;

constexpr Primaries SRGB{0.640, 0.330, 0.300, 0.600, 0.150, 0.060, 0.3127, 0.3290};

std::optional<Primaries> primaries_of(unsigned code)
{
    switch (code) { // H.273 (07/2024), table 2
    case 1:
        return SRGB;
    case 4:
        return Primaries{0.67, 0.33, 0.21, 0.71, 0.14, 0.08, 0.310, 0.316};
    case 5:
        return Primaries{0.64, 0.33, 0.29, 0.60, 0.15, 0.06, 0.3127, 0.3290};
    case 6:
    case 7:
        return Primaries{0.630, 0.340, 0.310, 0.595, 0.155, 0.070, 0.3127, 0.3290};
    case 8:
        return Primaries{0.681, 0.319, 0.243, 0.692, 0.145, 0.049, 0.310, 0.316};
    case 9: // BT.2020
        return Primaries{0.708, 0.292, 0.170, 0.797, 0.131, 0.046, 0.3127, 0.3290};
    case 11: // DCI P3
        return Primaries{0.680, 0.320, 0.265, 0.690, 0.150, 0.060, 0.314, 0.351};
    case 12: // Display P3
        return Primaries{0.680, 0.320, 0.265, 0.690, 0.150, 0.060, 0.3127, 0.3290};
    case 22:
        return Primaries{0.630, 0.340, 0.295, 0.605, 0.155, 0.077, 0.3127, 0.3290};
    default:
        return {};
    }
}

/// y = (a x + b)^gamma from d on, c x below.
Curve parametric(double gamma, double a, double b, double c, double d)
{
    const cmsFloat64Number parameters[]{gamma, a, b, c, d};
    return Curve(cmsBuildParametricToneCurve(nullptr, 4, parameters));
}

/// The inverse of alpha L^0.45 − (alpha − 1), with `slope` L below the signal `from`.
Curve camera(double alpha, double slope, double from)
{
    return parametric(1 / 0.45, 1 / alpha, (alpha - 1) / alpha, 1 / slope, from);
}

/// Light of SMPTE ST 2084 (PQ), in cd/m².
double pq(double signal)
{
    constexpr double M1 = 2610.0 / 16384;
    constexpr double M2 = 2523.0 / 32;
    constexpr double C1 = 3424.0 / 4096;
    constexpr double C2 = 2413.0 / 128;
    constexpr double C3 = 2392.0 / 128;
    const double root = std::pow(signal, 1 / M2);
    return 10000 * std::pow(std::max(root - C1, 0.0) / (C2 - C3 * root), 1 / M1);
}

constexpr double PEAK = 1000; ///< cd/m², what HLG is made for and most PQ pictures are graded to

/// Light of ARIB STD-B67 (HLG) on a screen of 1000 cd/m², whose system gamma is 1.2 (BT.2100). By channel,
/// which is exact for greys.
double hlg(double signal)
{
    constexpr double A = 0.17883277;
    constexpr double B = 1 - 4 * A;
    const double c = 0.5 - A * std::log(4 * A);
    const double scene = signal <= 0.5 ? signal * signal / 3 : (std::exp((signal - c) / A) + B) / 12;
    return PEAK * std::pow(scene, 1.2);
}

/// Brings light into sRGB's range: 1 is paper white, 203 cd/m² (BT.2408). What is darker than 0.6 of it stays
/// as it is; from there on a smooth shoulder leads to 1 at PEAK.
double compressed(double light)
{
    constexpr double KNEE = 0.6;
    constexpr double WHITE = 203;
    const double relative = light / WHITE;
    if (relative <= KNEE)
        return relative;
    const double u = (relative - KNEE) / (1 - KNEE);
    const double most = (PEAK / WHITE - KNEE) / (1 - KNEE);
    return std::min(1.0, KNEE + (1 - KNEE) * u * (1 + u / (most * most)) / (1 + u)); // Reinhard's, extended
}

Curve high_dynamic_range(double (*light)(double))
{
    std::vector<cmsUInt16Number> table(4096);
    for (std::size_t i = 0; i < table.size(); ++i)
        table[i] = static_cast<cmsUInt16Number>(std::lround(
            65535 * compressed(light(static_cast<double>(i) / static_cast<double>(table.size() - 1)))));
    return Curve(
        cmsBuildTabulatedToneCurve16(nullptr, static_cast<cmsUInt32Number>(table.size()), table.data()));
}

Curve curve_of(unsigned code)
{
    switch (code) { // H.273 (07/2024), table 3
    case 1:
    case 6:
    case 14:
    case 15: // BT.709, 601, 2020: what the camera did, undone
        return camera(1.09929682680944, 4.5, 0.0812428582986315);
    case 4:
        return Curve(cmsBuildGamma(nullptr, 2.2));
    case 5:
        return Curve(cmsBuildGamma(nullptr, 2.8));
    case 7:
        return camera(1.1115, 4, 0.0912);
    case 8:
        return Curve(cmsBuildGamma(nullptr, 1));
    case 13: // IEC 61966-2-1
        return parametric(2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045);
    case 16:
        return high_dynamic_range(pq);
    case 18:
        return high_dynamic_range(hlg);
    default:
        return nullptr;
    }
}

std::optional<MadeProfile> make_profile(const Primaries &p, cmsToneCurve *curve)
{
    const cmsCIExyY white{p[6], p[7], 1};
    const cmsCIExyYTRIPLE primaries{{p[0], p[1], 1}, {p[2], p[3], 1}, {p[4], p[5], 1}};
    cmsToneCurve *const curves[]{curve, curve, curve};
    const std::unique_ptr<void, decltype(&cmsCloseProfile)> profile(
        cmsCreateRGBProfile(&white, &primaries, curves), cmsCloseProfile);
    cmsUInt32Number size = 0;
    if (!profile || !cmsSaveProfileToMem(profile.get(), nullptr, &size))
        return {};
    MadeProfile made;
    made.bytes.resize(size);
    if (!cmsSaveProfileToMem(profile.get(), made.bytes.data(), &size))
        return {};
    return made;
}

bool possible(const Primaries &p)
{
    for (std::size_t i = 0; i < p.size(); i += 2)
        if (p[i] < 0 || p[i + 1] <= 0 || p[i] + p[i + 1] > 1)
            return false;
    const double area = (p[2] - p[0]) * (p[5] - p[1]) - (p[4] - p[0]) * (p[3] - p[1]);
    return std::abs(area) > 0.001;
}

bool like_srgb(const Primaries &p)
{
    constexpr double ROUNDING = 0.002;
    return std::equal(p.begin(), p.end(), SRGB.begin(),
                      [](double a, double b) { return std::abs(a - b) <= ROUNDING; });
}

} // namespace

std::optional<MadeProfile> profile_of_cicp(const PngColours::Cicp &cicp)
{
    constexpr unsigned BT709 = 1;
    constexpr unsigned SRGB_CURVE = 13;
    if (cicp.matrix != 0) // a PNG holds RGB
        return {};
    if (cicp.primaries == BT709 && cicp.transfer == SRGB_CURVE)
        return MadeProfile{.srgb = true, .bytes = {}};
    const auto primaries = primaries_of(cicp.primaries);
    const Curve curve = curve_of(cicp.transfer);
    return primaries && curve ? make_profile(*primaries, curve.get()) : std::nullopt;
}

std::optional<MadeProfile> profile_of_gamma(const PngColours &colours)
{
    constexpr double SRGB_GAMMA = 0.45455;
    constexpr double NEAR = 0.05; // part of it; libpng takes what is closer for the same
    const double gamma = colours.gama.value_or(0) / 100000.0;
    if (gamma < 0.05 || gamma > 20) // nothing that anybody ever displayed
        return {};
    Primaries primaries = SRGB;
    if (colours.chrm) {
        const auto &c = *colours.chrm;
        for (std::size_t i = 0; i < primaries.size(); ++i)
            primaries[i] = c[(i + 2) % c.size()] / 100000.0; // the chunk has white first
        if (!possible(primaries))
            primaries = SRGB;
    }
    if (std::abs(gamma - SRGB_GAMMA) <= NEAR * SRGB_GAMMA && like_srgb(primaries))
        return MadeProfile{.srgb = true, .bytes = {}};
    const Curve curve(cmsBuildGamma(nullptr, 1 / gamma));
    return curve ? make_profile(primaries, curve.get()) : std::nullopt;
}

} // namespace anime
