// SPDX-License-Identifier: LGPL-2.1-or-later
#include "pipelines/film/colour.h"

#include "elements/common/gst_raii.h"

#include <algorithm>

namespace anime
{

namespace
{

/// mpv and FFmpeg's players draw the line here.
bool is_high_definition(int width, int height)
{
    return width >= 1280 || height > 576;
}

template <typename Value>
void fill(Value &value, Value unknown, Value known)
{
    if (value == unknown)
        value = known;
}

void fill(GstVideoColorimetry &gaps, const GstVideoColorimetry &from)
{
    fill(gaps.range, GST_VIDEO_COLOR_RANGE_UNKNOWN, from.range);
    fill(gaps.matrix, GST_VIDEO_COLOR_MATRIX_UNKNOWN, from.matrix);
    fill(gaps.transfer, GST_VIDEO_TRANSFER_UNKNOWN, from.transfer);
    fill(gaps.primaries, GST_VIDEO_COLOR_PRIMARIES_UNKNOWN, from.primaries);
}

GstVideoColorimetry usual(GstVideoColorMatrix matrix, int width, int height)
{
    GstVideoColorimetry colorimetry = {};
    const bool bt601 = matrix == GST_VIDEO_COLOR_MATRIX_BT601 ||
                       (matrix != GST_VIDEO_COLOR_MATRIX_BT709 && !is_high_definition(width, height));
    gst_video_colorimetry_from_string(&colorimetry,
                                      bt601 ? GST_VIDEO_COLORIMETRY_BT601 : GST_VIDEO_COLORIMETRY_BT709);
    return colorimetry;
}

} // namespace

GstVideoColorimetry repaired_colorimetry(GstVideoColorimetry decoded,
                                         const std::optional<GstVideoColorimetry> &container, int width,
                                         int height)
{
    if (container)
        fill(decoded, *container);
    fill(decoded, usual(decoded.matrix, width, height));
    return decoded;
}

bool is_hdr(const GstVideoColorimetry &colorimetry)
{
    return colorimetry.transfer == GST_VIDEO_TRANSFER_SMPTE2084 ||
           colorimetry.transfer == GST_VIDEO_TRANSFER_ARIB_STD_B67;
}

std::string written_colorimetry(const GstVideoColorimetry &colorimetry, int width, int height)
{
    GstVideoColorimetry written = colorimetry;
    if (is_hdr(colorimetry))
        gst_video_colorimetry_from_string(&written, GST_VIDEO_COLORIMETRY_BT709);
    else if (colorimetry.matrix == GST_VIDEO_COLOR_MATRIX_RGB)
        written = usual(GST_VIDEO_COLOR_MATRIX_UNKNOWN, width, height);
    written.range = GST_VIDEO_COLOR_RANGE_16_235;
    const StringPtr text(gst_video_colorimetry_to_string(&written));
    return text ? text.get() : GST_VIDEO_COLORIMETRY_BT709;
}

float peak_light(const GstCaps *caps, const GstVideoColorimetry &colorimetry)
{
    constexpr float usual_peak = 1000;
    if (colorimetry.transfer == GST_VIDEO_TRANSFER_ARIB_STD_B67)
        return usual_peak;
    GstVideoContentLightLevel level = {};
    if (gst_video_content_light_level_from_caps(&level, caps) && level.max_content_light_level > 0)
        return std::clamp(static_cast<float>(level.max_content_light_level), 2 * 203.0F, 10000.0F);
    GstVideoMasteringDisplayInfo display = {};
    if (gst_video_mastering_display_info_from_caps(&display, caps)) // in 0.0001 cd/m²
        return std::clamp(static_cast<float>(display.max_display_mastering_luminance) / 10000, 2 * 203.0F,
                          10000.0F);
    return usual_peak;
}

} // namespace anime
