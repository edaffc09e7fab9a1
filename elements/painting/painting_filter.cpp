// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/painting/painting_filter.h"

#include <utility>

namespace anime
{

GstClockTime frame_period(const GstVideoInfo &info)
{
    if (GST_VIDEO_INFO_FPS_N(&info) <= 0)
        return 0;
    return gst_util_uint64_scale(GST_SECOND, static_cast<guint64>(GST_VIDEO_INFO_FPS_D(&info)),
                                 static_cast<guint64>(GST_VIDEO_INFO_FPS_N(&info)));
}

void PaintingFilter::open_model(const PaintSettings &wanted)
{
    painter_.reset();
    painter_ = open_(wanted);
    opened_ = wanted;
    reporter.warm_up();
    const PainterInfo &info = painter_->info();
    GST_CAT_INFO_OBJECT(category_, element_, "opened %s: %s on %s, %s, isa %s", info.model.c_str(),
                        info.executor.c_str(), info.device.c_str(), info.precision.c_str(), info.isa.c_str());
}

void PaintingFilter::follow_model(const std::string &name)
{
    if (follows(name)) // no painter: the last change failed
        return;
    forget();
    PaintSettings wanted = opened_;
    wanted.model = name;
    open_model(wanted);
}

std::shared_ptr<Painter> PaintingFilter::open_beside(const std::string &name) const
{
    PaintSettings wanted = opened_;
    wanted.model = name;
    return open_(wanted);
}

GstFlowReturn PaintingFilter::refuse_frame(const Failure &failure)
{
    reporter.failed();
    post_failure(element_, failure);
    return GST_FLOW_ERROR;
}

GstFlowReturn PaintingFilter::refuse_frame()
{
    const Failure failure = current_failure();
    if (failure.code == "cancelled") {
        GST_CAT_DEBUG_OBJECT(category_, element_, "gave up the frame in work");
        return GST_FLOW_FLUSHING;
    }
    return refuse_frame(failure);
}

GstFlowReturn PaintingFilter::refuse_buffer(GstBuffer *buffer, const GstVideoInfo &info, std::string message,
                                            std::string remedy)
{
    return refuse_frame({.code = "frame-invalid",
                         .message = std::move(message),
                         .remedy = std::move(remedy),
                         .limit = GST_VIDEO_INFO_SIZE(&info),
                         .actual = gst_buffer_get_size(buffer)});
}

void PaintingFilter::start_over()
{
    gaps_.forget();
    late_ = false;
    forget();
}

void PaintingFilter::frame_arrived(GstBuffer *buffer, GstClockTime period)
{
    if (!GST_BUFFER_PTS_IS_VALID(buffer))
        return;
    const GstClockTime duration = GST_BUFFER_DURATION_IS_VALID(buffer) ? GST_BUFFER_DURATION(buffer) : period;
    const unsigned missing =
        gaps_.arrived(GST_BUFFER_PTS(buffer), duration, reporter.last_processing_time() / at_once_, late_);
    if (missing == 0)
        return;
    reporter.dropped(missing);
    GST_CAT_DEBUG_OBJECT(category_, element_, "%u frames before %" GST_TIME_FORMAT " were dropped upstream",
                         missing, GST_TIME_ARGS(GST_BUFFER_PTS(buffer)));
}

void PaintingFilter::dropped_frame(GstClockTime pts)
{
    reporter.dropped();
    GST_CAT_DEBUG_OBJECT(category_, element_, "dropped the frame of %" GST_TIME_FORMAT ", which is late",
                         GST_TIME_ARGS(pts));
}

void PaintingFilter::log_caps(const GstCaps *caps)
{
    GST_CAT_INFO_OBJECT(category_, element_, "frames are %" GST_PTR_FORMAT, caps);
}

} // namespace anime
