// SPDX-License-Identifier: LGPL-2.1-or-later
// From high dynamic range to what every screen shows: HLG or PQ in BT.2020 becomes gamma 2.4 in BT.709.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

namespace anime
{

using Colour = std::array<float, 3>; ///< red, green, blue

enum class HdrTransfer { hlg, pq };

/// The light of diffuse white, in cd/m² (ITU-R BT.2408). It becomes SDR's white, less what highlights need.
inline constexpr float reference_white = 203.0F;

/// One colour. `signal` is R'G'B' from 0 to 1; `peak` the brightest that the film has, in cd/m².
///
/// The steps: signal to display light (BT.2100; HLG with its system gamma 1.2 for 1000 cd/m²); the largest of
/// the three channels goes through the roll-off of BT.2390 (a Hermite spline over PQ) from `peak` down to
/// reference_white, and the other two keep their ratio to it, so that a hue stays one; BT.2020 to BT.709, and
/// what lies outside of BT.709 loses saturation until it fits, at its luminance; gamma 2.4 (BT.1886).
/// Below about 90 cd/m², where skin, grass and skies are, light stays as it is.
Colour tone_mapped(HdrTransfer transfer, float peak, const Colour &signal);

/// The same as a table of 33³ colours, in between linear, within two levels of 255 of the exact curve.
class ToneTable
{
public:
    ToneTable(HdrTransfer transfer, float peak);

    /// `argb`: native 16 bits each, as GStreamer's ARGB64. `rgb`: 8 bits each.
    void apply(const std::uint16_t *argb, std::uint8_t *rgb, int pixels) const;

private:
    static constexpr int side = 33;
    std::vector<float> table_; ///< 0 to 255; blue runs fastest
};

} // namespace anime
