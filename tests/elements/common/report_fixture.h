// SPDX-License-Identifier: LGPL-2.1-or-later
// An element that reports, and what it posts.
#pragma once

#include "elements/common/gst_raii.h"
#include "elements/common/report.h"

#include <gtest/gtest.h>

#include <memory>

namespace anime
{

using BusPtr = std::unique_ptr<GstBus, Release<gst_object_unref>>;

/// An element without behaviour, and a bus that keeps what it posts.
class Report : public ::testing::Test
{
protected:
    void SetUp() override
    {
        element_.reset(gst_bin_new("bin"));
        bus_.reset(gst_bus_new());
        gst_element_set_bus(element_.get(), bus_.get());
        segment_ = gst_segment_new();
        gst_segment_init(segment_, GST_FORMAT_TIME);
    }
    void TearDown() override
    {
        gst_element_set_bus(element_.get(), nullptr);
        gst_segment_free(segment_);
    }

    MessagePtr pop(GstMessageType type) { return MessagePtr(gst_bus_pop_filtered(bus_.get(), type)); }

    /// Reports one frame at `pts` that took `time`.
    void frame(GstClockTime pts, GstClockTime time, GstClockTime interval)
    {
        const BufferPtr buffer(gst_buffer_new());
        GST_BUFFER_PTS(buffer.get()) = pts;
        GST_BUFFER_DURATION(buffer.get()) = 40 * GST_MSECOND;
        GstStructure *message = FrameReporter::new_message("filter", segment_, buffer.get(), time);
        reporter_.frame(element_.get(), message, interval);
    }

    /// The frame that is no latency is behind us.
    void warmed_up() { frame(0, 0, 0); }

    ElementPtr element_;
    BusPtr bus_;
    GstSegment *segment_ = nullptr;
    FrameReporter reporter_;
};

inline guint64 field(const GstStructure *structure, const char *name)
{
    guint64 value = 0;
    EXPECT_TRUE(gst_structure_get_uint64(structure, name, &value)) << name;
    return value;
}

} // namespace anime
