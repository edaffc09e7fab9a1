// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/animeganfilter/animegan_filter.h"

#include "elements/animeganfilter/live_size.h"
#include "elements/overlay/face_overlay.h"
#include "elements/painting/style_in_use.h"

#include <gst/base/gstbasetransform.h>

#include <algorithm>
#include <optional>
#include <string>

namespace anime
{

namespace
{

Image image_of(const MappedFrame &frame)
{
    return {frame.data(), frame.width(), frame.height(), frame.stride(), frame.pixel_stride()};
}

std::string quick_style_for(const AnimeganFilterSettings &now)
{
    return now.target_numerator != 0 ? quick_style(now.paint.model) : std::string();
}

} // namespace

FrameInFlight::FrameInFlight(const GstVideoInfo &info, BufferPtr photo_buffer, BufferPtr painting_buffer)
    : in(std::move(photo_buffer)), out(std::move(painting_buffer)), photo(info, in.get(), GST_MAP_READ),
      painting(info, out.get(), GST_MAP_WRITE)
{
}

AnimeganFilter::AnimeganFilter(GstElement *element, GstDebugCategory *category)
    : PaintingFilter(element, category), category_(category), line_([this](FrameInFlight &frame) {
          if (!frame.painter)
              return;
          if (cancel.cancelled())
              throw Error("cancelled", "Painting was cancelled before it began.");
          paint_with_net(*frame.painter, frame.net, cancel.flag());
      })
{
}

GstStructure *AnimeganFilter::stats()
{
    GstStructure *stats = reporter.stats("animeganfilter");
    add_fields(stats);
    add_totals(stats);
    return stats;
}

bool AnimeganFilter::answer(GstQuery *query)
{
    PaintSettings settings = settings_.copy().paint;
    settings.pictures = pictures_;
    return answer_style_in_use(query, settings);
}

void AnimeganFilter::start()
{
    {
        const std::lock_guard guard(last_lock_);
        totals_ = {};
    }
    const AnimeganFilterSettings now = settings_.copy();
    open(now, is_live(GST_BASE_TRANSFORM_SINK_PAD(element())));
    follow_style(now);
    remember({}, painter().info());
    prepare_for_live();
}

void AnimeganFilter::open(const AnimeganFilterSettings &now, bool live)
{
    PaintSettings wanted = now.paint;
    // Several at once would be done sooner all together, and each of them later.
    if (wanted.pictures == 0 && live)
        wanted.pictures = 1;
    pictures_ = wanted.pictures;
    open_model(wanted);
    const unsigned most = painter().info().pictures;
    set_at_once(wanted.pictures == 0 ? most : std::min(wanted.pictures, most));
    line_.set_threads(at_once() > 1 ? at_once() : 0);
}

void AnimeganFilter::begin_stream(const GstVideoInfo &info)
{
    const AnimeganFilterSettings now = settings_.copy();
    if (now.paint.pictures == 0 && at_once() > 1 && comes_live(GST_BASE_TRANSFORM_SINK_PAD(element()))) {
        forget();
        open(now, true);
    }
    // One more, so that who has painted a frame finds the next one.
    most_waiting_ = at_once() > 1 ? at_once() + 1 : 0;
    reporter.set_least_latency(most_waiting_ * frame_period(info));
    GST_CAT_INFO_OBJECT(category_, element(), "%u frames are painted at once, each by %u threads", at_once(),
                        painter().info().threads);
}

void AnimeganFilter::bound_buffers(guint others, guint most)
{
    if (most == 0)
        return;
    // The buffer that the next frame is painted into is none of those that wait.
    most_waiting_ = std::min(most_waiting_, most > others ? most - others - 1 : 0);
}

// The executor makes its plan for a size when it first meets it, in the time of five to ten frames. The clock
// does not run yet: what a camera sends then would be lost.
void AnimeganFilter::prepare_for_live()
{
    const AnimeganFilterSettings now = settings_.copy();
    const std::optional<FrameSize> size = live_size(GST_BASE_TRANSFORM_SINK_PAD(element()));
    if (!size || !is_visible(now.frame.strength))
        return;
    const auto stride = std::ptrdiff_t{3} * size->width;
    std::vector<std::uint8_t> black(static_cast<std::size_t>(stride) *
                                    static_cast<std::size_t>(size->height));
    std::vector<std::uint8_t> painting(black.size());
    const ConstImage photo{black.data(), size->width, size->height, stride, 3};
    quick_.rehearse(frames_, painter(), painter(), photo, now.frame, cancel.flag());
    frames_.paint(painter(), photo, {painting.data(), size->width, size->height, stride, 3}, now.frame,
                  cancel.flag());
    frames_.forget();
}

void AnimeganFilter::forget()
{
    frames_.forget();
    spare_.clear();
}

void AnimeganFilter::stop()
{
    line_.set_threads(0);
    most_waiting_ = 0;
    has_dropped_ = false;
    set_at_once(1);
    forget();
    quick_.close();
    rate_.set_has_quick(false);
    rate_.forget();
}

bool AnimeganFilter::goes_on(const AnimeganFilterSettings &now) const
{
    return follows(now.paint.model) && quick_.is(quick_style_for(now));
}

/// Opens the model, and its quick net where a rate is to be held, unless they are open.
void AnimeganFilter::follow_style(const AnimeganFilterSettings &now)
{
    const std::string quick = quick_style_for(now);
    const bool changed = !quick_.is(quick);
    if (changed) {
        quick_.close();
        rate_.set_has_quick(false);
    }
    follow_model(now.paint.model);
    if (changed && !quick.empty()) {
        quick_.open(quick, open_beside(quick));
        rate_.set_has_quick(true);
    }
}

GstFlowReturn AnimeganFilter::accept(const AnimeganFilterSettings &now, const GstVideoInfo &info,
                                     BufferPtr in, BufferPtr out)
{
    const std::uint64_t arrived = clock_();
    remove_face_patches(out.get()); // they came with the other metas, and will be in the picture
    try {
        auto frame = std::make_unique<FrameInFlight>(info, std::move(in), std::move(out));
        if (!frame->photo)
            return refuse_buffer(frame->in.get(), info,
                                 "A frame is smaller than its format says, or cannot be read.",
                                 "Look for the fault in the element before animeganfilter.");
        if (!frame->painting)
            return refuse_buffer(
                frame->out.get(), info,
                "The buffer for the painting is smaller than its format says, or cannot be written.",
                "Look for the fault in the element behind animeganfilter, which chooses the memory.");
        follow_style(now);
        frame->arrived = arrived;
        frame->now = now;
        frame->now.frame.scale = rate_.scale();
        if (!spare_.empty()) {
            frame->net = std::move(spare_.back());
            spare_.pop_back();
        }
        frame->net.in = as_const(image_of(frame->photo));
        frame->net.out = image_of(frame->painting);
        frame->net.settings = frame->now.frame;
        frame->net.stats = {};
        if (is_visible(now.frame.strength)) {
            frame->painter = &chosen();
            frame->faces = read_face_patches(frame->in.get());
            quick_.rehearse(frames_, painter(), chosen(), frame->net.in, frame->now.frame, cancel.flag());
        }
        line_.push(std::move(frame));
        return GST_FLOW_OK;
    } catch (...) {
        return refuse_frame();
    }
}

GstFlowReturn AnimeganFilter::take(const GstSegment &segment, BufferPtr &out)
{
    try {
        const std::unique_ptr<FrameInFlight> frame = line_.pop();
        // What it took is its own work. Alone, it is all that there was between its arrival and now.
        const PaintStats &cost = frame->net.stats.cost;
        const std::uint64_t begin =
            at_once() > 1 ? clock_() - cost.wait_ns - cost.inference_ns : frame->arrived;
        finish(*frame);
        remember(frame->net.stats, (frame->painter ? *frame->painter : chosen()).info());
        GST_CAT_LOG_OBJECT(category_, element(), "painted %dx%d", frame->net.stats.painted_width,
                           frame->net.stats.painted_height);
        report(segment, *frame, begin);
        keep_rate(segment, *frame, clock_() - begin);
        out = std::move(frame->out);
        spare_.push_back(std::move(frame->net));
        return GST_FLOW_OK;
    } catch (...) {
        return refuse_frame();
    }
}

void AnimeganFilter::finish(FrameInFlight &frame)
{
    const NetFrame &net = frame.net;
    if (frame.painter) {
        frames_.follow_net(net);
        for (Patch &face : frame.faces) {
            match_colours(face, as_const(net.out));
            blend_patch(net.out, face);
        }
        frames_.steady(net.in, net.out, net.settings.temporal_smoothing);
    }
    finish_frame(net.in, net.out, net.settings.strength);
}

void AnimeganFilter::report(const GstSegment &segment, const FrameInFlight &frame, std::uint64_t begin)
{
    const std::uint64_t now = clock_();
    GstStructure *message =
        FrameReporter::new_message("animeganfilter", &segment, frame.in.get(), now - begin);
    add_fields(message);
    reporter.frame(element(), message, frame.now.message_interval, now - frame.arrived);
}

void AnimeganFilter::keep_rate(const GstSegment &segment, const FrameInFlight &frame, GstClockTime took)
{
    const AnimeganFilterSettings &now = frame.now;
    if (now.target_numerator == 0) {
        rate_.forget();
        return;
    }
    const bool as_now = (!frame.painter || frame.painter == &chosen()) && now.frame.scale == rate_.scale();
    if (!as_now)
        return; // it came before the last change
    GstClockTime budget = gst_util_uint64_scale(GST_SECOND, static_cast<guint64>(now.target_denominator),
                                                static_cast<guint64>(now.target_numerator));
    if (GST_BUFFER_DURATION_IS_VALID(frame.in.get()))
        budget = std::max(budget, GST_BUFFER_DURATION(frame.in.get())); // no more frames than there are
    const GstClockTime net = frame.net.stats.cost.inference_ns;
    if (rate_.handled(took / at_once(), net / at_once(), budget)) {
        GST_CAT_INFO_OBJECT(category_, element(), "painting with %s at %.3f of the size",
                            chosen().info().model.c_str(), rate_.scale());
        reporter.quality_changed(element(), segment, frame.in.get(), rate_.quality(),
                                 static_cast<double>(took) / at_once() / static_cast<double>(budget), budget);
    }
}

void AnimeganFilter::remember(const FrameStats &frame, const PainterInfo &info)
{
    // The executor makes a plan for a size when it first meets it.
    if (frame.painted_width != last_frame_.painted_width ||
        frame.painted_height != last_frame_.painted_height)
        reporter.warm_up();
    const std::lock_guard guard(last_lock_);
    last_info_ = info;
    last_frame_ = frame;
    last_quality_ = rate_.quality();
    totals_.inference_ns += frame.cost.inference_ns;
    totals_.wait_ns += frame.cost.wait_ns;
}

void AnimeganFilter::add_fields(GstStructure *structure)
{
    const std::lock_guard guard(last_lock_);
    gst_structure_set(structure, "model", G_TYPE_STRING, last_info_.model.c_str(), "digest", G_TYPE_STRING,
                      last_info_.digest.c_str(), "executor", G_TYPE_STRING, last_info_.executor.c_str(),
                      "device", G_TYPE_STRING, last_info_.device.c_str(), "precision", G_TYPE_STRING,
                      last_info_.precision.c_str(), "isa", G_TYPE_STRING, last_info_.isa.c_str(), "width",
                      G_TYPE_INT, last_frame_.painted_width, "height", G_TYPE_INT, last_frame_.painted_height,
                      "quality", G_TYPE_DOUBLE, last_quality_, "inference-time", G_TYPE_UINT64,
                      guint64{last_frame_.cost.inference_ns}, "wait-time", G_TYPE_UINT64,
                      guint64{last_frame_.cost.wait_ns}, "memory", G_TYPE_UINT64,
                      guint64{last_frame_.cost.memory_bytes}, nullptr);
}

void AnimeganFilter::add_totals(GstStructure *structure)
{
    const std::lock_guard guard(last_lock_);
    gst_structure_set(structure, "inference-time-total", G_TYPE_UINT64, guint64{totals_.inference_ns},
                      "wait-time-total", G_TYPE_UINT64, guint64{totals_.wait_ns}, nullptr);
}

} // namespace anime
