// SPDX-License-Identifier: LGPL-2.1-or-later
// Bus messages, errors and statistics in the one form that sizeguard, facepaint and animeganfilter share.
#pragma once

#include "elements/common/failure.h"

#include <gst/gst.h>

#include <cstdint>
#include <mutex>

namespace anime
{

/// Posts an ERROR message with `failure` in its details: code, remedy, element, and limit and actual
/// (guint64) where known. The domain and number follow from the code. Call without the object lock.
void post_failure(GstElement *element, const Failure &failure);

/// Posts a WARNING message of the same form: the element goes on.
void post_warning(GstElement *element, const Failure &failure);

/// The failure behind the exception that is being handled: an anime::Error's own code, out-of-memory, or
/// `internal` for what nothing expected. Call inside a catch block, so that none crosses a C callback.
Failure current_failure();

/// Counts frames and posts one element message per frame, at most one per `message-interval`.
/// Has a lock of its own, never held while posting.
class FrameReporter
{
public:
    /// A structure named `name` with timestamp, stream-time, running-time and duration of `buffer` in
    /// `segment`, and processing-time; the element adds its own fields and hands it to post(). Transfer full.
    static GstStructure *new_message(const char *name, const GstSegment *segment, GstBuffer *buffer,
                                     GstClockTime processing_time);

    /// Counts the frame, and posts `message` (transfer full) if `interval` (0: always) has passed since the
    /// last one posted, by the buffer's running time, or if that did not advance: a still, or a seek. `stay`
    /// is how long the frame was in the element, where that is more than the processing time.
    void frame(GstElement *element, GstStructure *message, GstClockTime interval, GstClockTime stay = 0);
    void dropped(unsigned frames = 1); ///< skipped because they came too late (QoS)
    void failed();                     ///< a frame ended in an error
    void reset();

    /// The next frame takes longer than those behind it will (new caps, another model), and does not count
    /// as latency. So does the first one after reset().
    void warm_up();

    /// Frames stay in the element at least so long, however quickly they are done. Until reset().
    void set_least_latency(GstClockTime latency);

    /// What the element adds to the pipeline's latency: the longest processing time of the last frames, one
    /// to two stretches of them. It rises at once, so that a frame is not late by what an average hides, and
    /// sinks once a whole stretch was faster.
    GstClockTime latency() const;

    /// Answers a LATENCY query on the source pad: what the peer of `sink` says, plus latency(). Where the
    /// pipeline is live, frame() posts a latency message once latency() has moved by more than a quarter
    /// (and 2 ms) from this answer, so that the pipeline asks again.
    bool answer_latency(GstPad *sink, GstQuery *query);

    /// What the last frame took.
    GstClockTime last_processing_time() const;

    /// Posts a QOS message: from this frame on, the picture is as good as `quality` says, 1 being the best,
    /// so that frames are done within `budget`, of which the last one took the part `proportion`. What frames
    /// took before is no latency any more: it is the budget until a frame takes longer.
    void quality_changed(GstElement *element, const GstSegment &segment, GstBuffer *buffer, double quality,
                         double proportion, GstClockTime budget);

    /// Whether the pipeline is live, as the last LATENCY query said.
    bool is_live() const;

    /// frames, dropped, errors (guint64), processing-time-total, -mean, -max, -last (guint64, ns). Transfer
    /// full: the element adds its own fields.
    GstStructure *stats(const char *name) const;

private:
    static constexpr int stretch = 100; ///< frames

    // With the lock held.
    void measure_latency(GstClockTime stay);
    GstClockTime slowest() const;

    mutable std::mutex lock_;
    std::uint64_t frames_ = 0;
    std::uint64_t dropped_ = 0;
    std::uint64_t errors_ = 0;
    GstClockTime total_ = 0;
    GstClockTime max_ = 0;
    GstClockTime last_ = 0;
    GstClockTime slowest_now_ = 0;    ///< of the `measured_` frames of this stretch
    GstClockTime slowest_before_ = 0; ///< of the stretch before
    int measured_ = 0;
    GstClockTime least_latency_ = 0;
    bool warming_up_ = true;
    GstClockTime announced_ = 0; ///< the latency as last answered
    bool live_ = false;          ///< as the peer last said
    GstClockTime last_posted_ = GST_CLOCK_TIME_NONE;
};

} // namespace anime
