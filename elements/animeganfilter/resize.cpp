// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/animeganfilter/resize.h"

#include "elements/common/gst_raii.h"

#include <memory>

namespace anime
{

namespace
{

using ScalerPtr = std::unique_ptr<GstVideoScaler, Release<gst_video_scaler_free>>;

ScalerPtr make_scaler(int from, int to, Enlarging how)
{
    if (to <= from)
        return ScalerPtr(gst_video_scaler_new(GST_VIDEO_RESAMPLER_METHOD_LANCZOS, GST_VIDEO_SCALER_FLAG_NONE,
                                              0, from, to, nullptr));
    if (how == Enlarging::linear)
        return ScalerPtr(gst_video_scaler_new(GST_VIDEO_RESAMPLER_METHOD_LINEAR, GST_VIDEO_SCALER_FLAG_NONE,
                                              0, from, to, nullptr));
    const StructurePtr options(gst_structure_new("options", GST_VIDEO_RESAMPLER_OPT_CUBIC_B, G_TYPE_DOUBLE,
                                                 0.0, GST_VIDEO_RESAMPLER_OPT_CUBIC_C, G_TYPE_DOUBLE, 0.5,
                                                 nullptr));
    return ScalerPtr(gst_video_scaler_new(GST_VIDEO_RESAMPLER_METHOD_CUBIC, GST_VIDEO_SCALER_FLAG_NONE, 0,
                                          from, to, options.get()));
}

} // namespace

void resize(const ConstImage &in, const Image &out, Enlarging how)
{
    const ScalerPtr horizontal = make_scaler(in.width, out.width, how);
    const ScalerPtr vertical = make_scaler(in.height, out.height, how);
    const GstVideoFormat format = in.pixel == 4   ? GST_VIDEO_FORMAT_RGBA
                                  : in.pixel == 3 ? GST_VIDEO_FORMAT_RGB
                                                  : GST_VIDEO_FORMAT_GRAY8;
    gst_video_scaler_2d(horizontal.get(), vertical.get(), format, const_cast<std::uint8_t *>(in.data),
                        static_cast<gint>(in.stride), out.data, static_cast<gint>(out.stride), 0, 0,
                        static_cast<guint>(out.width), static_cast<guint>(out.height));
}

} // namespace anime
