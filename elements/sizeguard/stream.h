// SPDX-License-Identifier: LGPL-2.1-or-later
// What sizeguard does with a stream: images in pieces, one image a buffer, or raw video.
#pragma once

#include "elements/common/cancellation.h"
#include "elements/common/gst_raii.h"
#include "elements/common/guarded_settings.h"
#include "elements/common/report.h"
#include "elements/common/stopwatch.h"
#include "elements/sizeguard/image_guard.h"
#include "elements/sizeguard/raw_path.h"
#include "elements/sizeguard/sizeguard_properties.h"

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

GST_DEBUG_CATEGORY_EXTERN(sizeguard_debug);

namespace anime
{

class SizeguardStream
{
public:
    /// The element and its pads, which outlive the stream.
    SizeguardStream(GstElement *element, GstPad *sink, GstPad *src)
        : element_(element), sink_(sink), src_(src)
    {
    }

    // Any thread.
    bool set_property(guint id, const GValue *value) { return settings_.set(id, value); }
    bool get_property(guint id, GValue *value) const
    {
        return settings_.get(id, value, [this] { return stats(); });
    }
    void set_stopping(bool stopping) { cancellation_.set_stopping(stopping); }
    /// A QoS event arrived.
    void late(GstClockTime running_time, GstClockTimeDiff jitter, double proportion);
    bool answer_latency(GstQuery *query) { return reporter_.answer_latency(sink_, query); }
    /// What can come in, given what can go out. Transfer full.
    GstCaps *sink_caps(GstCaps *filter) const;

    // While no streaming thread runs.
    void reset();
    void release(); ///< all that is held of a stream, but its totals

    // Of the streaming thread, but FLUSH_START. All take what they are given.
    GstFlowReturn buffer(GstBuffer *buffer);
    bool event(GstEvent *event);
    bool answer_allocation(GstQuery *query);
    /// One of them has thrown: the image in work is lost, and nothing more passes until the next stream.
    void give_up(const Failure &failure);

private:
    enum class Mode { pieces, images, raw };

    GstStructure *stats() const; ///< transfer full
    void forget_stream();
    void flush();

    bool set_caps(GstCaps *caps);
    bool set_raw_caps(GstCaps *caps);
    void set_segment(EventPtr event);
    void choose_mode();
    bool forward_or_hold(GstEvent *event);
    EventPtr without_orientation(EventPtr event) const;

    /// Images without times (multifilesrc) are the frames of a film, if the caps tell the frame rate.
    void give_times(BufferPtr &image);
    bool begin_image();
    GstFlowReturn add_piece(GstBuffer *piece);
    GstFlowReturn finish_image(GstBuffer *timing);
    /// Finishes the image in work, if any, where no buffer takes the flow upstream. False: it could not be
    /// passed on, and unless the stream is flushing an error says why.
    bool end_image();
    GstFlowReturn raw_frame(BufferPtr frame);
    GstFlowReturn push_image(const ImageInfo &info, GstBuffer *timing);

    bool is_late(GstBuffer *buffer);
    bool accepted_downstream(const GstCaps *caps) const;
    bool negotiate(const ImageInfo &info, GstVideoInfo &out);
    void begin_work();
    GstClockTime end_work(); ///< adds the time since begin_work() to spent_, and returns it; once
    GstFlowReturn push(BufferPtr frame);
    bool send_caps(GstCaps *caps);
    void send_held();

    /// Posts the failure (a cancellation is none), and lets nothing more through until the next stream.
    GstFlowReturn fail(const Failure &failure);
    void report(GstBuffer *buffer, const ImageInfo &info, const char *verdict, GstClockTime decode_time,
                const Failure *failure);
    void count(const char *verdict, const ImageInfo &info);

    GstElement *const element_;
    GstPad *const sink_;
    GstPad *const src_;
    Cancellation cancellation_;
    FrameReporter reporter_;

    GuardedSettings<SizeguardSettings> settings_{sizeguard_properties()};

    /// Protects what QoS events said, and the totals. Never held while anything is posted or pushed.
    mutable std::mutex lock_;
    GstClockTime earliest_ = GST_CLOCK_TIME_NONE; ///< running time before which frames are late
    double proportion_ = 1;                       ///< as the last QoS event said
    std::uint64_t passed_ = 0;
    std::uint64_t shrunk_ = 0;
    std::uint64_t rejected_ = 0;
    std::uint64_t bytes_ = 0;

    // Of the streaming thread.
    Mode mode_ = Mode::pieces;
    bool parsed_caps_ = false;
    bool failed_ = false;
    bool any_image_ = false;
    bool after_drop_ = false;               ///< what goes out next does not follow what went before
    GstSegment segment_ = {};               ///< of what goes out
    bool byte_segment_ = true;              ///< what comes in is bytes without times
    EventPtr segment_event_;                ///< to send before the next frame
    std::vector<EventPtr> held_;            ///< came before the caps are known
    int framerate_n_ = 0, framerate_d_ = 1; ///< of the encoded caps
    std::uint64_t film_frames_ = 0;         ///< of the segment that came without times
    std::unique_ptr<ImageGuard> guard_;
    SizeguardSettings image_settings_; ///< as they were when the image, or raw stream, began
    GstClockTime spent_ = 0;           ///< on the image
    std::optional<Stopwatch> work_;    ///< runs while there is some
    CapsPtr src_caps_;
    RawPath raw_;
};

} // namespace anime
