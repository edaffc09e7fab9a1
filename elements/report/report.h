// SPDX-License-Identifier: LGPL-2.1-or-later
// Bus messages, errors and statistics in the one form that sizeguard, facepaint and animeganfilter share.
#pragma once

#include "elements/report/failure.h"

#include <gst/gst.h>

#include <cstdint>
#include <mutex>

namespace anime
{

/// Posts an ERROR message with `failure` in its details: code, remedy, element, and limit and actual
/// (guint64) where known. The domain and number follow from the code. Call without the object lock.
void post_failure(GstElement *element, const Failure &failure);

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
    /// last one posted, by the buffer's running time, or if the frame has no timestamp.
    void frame(GstElement *element, GstStructure *message, GstClockTime interval);
    void dropped();
    void failed();
    void reset();

    /// Mean of the last processing times, for the LATENCY query.
    GstClockTime latency() const;

    /// frames, dropped, errors (guint64), processing-time-total, -mean, -max, -last (guint64, ns). Transfer
    /// full: the element adds its own fields.
    GstStructure *stats(const char *name) const;

private:
    mutable std::mutex lock_;
    std::uint64_t frames_ = 0;
    std::uint64_t dropped_ = 0;
    std::uint64_t errors_ = 0;
    GstClockTime total_ = 0;
    GstClockTime max_ = 0;
    GstClockTime last_ = 0;
    GstClockTime smoothed_ = 0;
    GstClockTime last_posted_ = GST_CLOCK_TIME_NONE;
};

} // namespace anime
