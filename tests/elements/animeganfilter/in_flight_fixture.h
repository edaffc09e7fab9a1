// SPDX-License-Identifier: LGPL-2.1-or-later
// animeganfilter with several frames in flight, and what comes out of it in which order.
#pragma once

#include "filter_fixture.h"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace anime
{

inline constexpr int at_once = 3;
/// In the element when nothing more comes in: those that are painted, and one that waits for its turn.
inline constexpr int in_flight = at_once + 1;

class InFlight : public FilterTest
{
protected:
    void SetUp() override
    {
        FilterTest::SetUp();
        g_object_set(element_.get(), "frames-in-flight", at_once, nullptr);
    }

    /// What leaves the element, from now on: the level of a frame, or the name of an event that is
    /// serialized.
    void record()
    {
        const PadPtr src(gst_element_get_static_pad(element_.get(), "src"));
        const auto type =
            static_cast<GstPadProbeType>(GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM);
        gst_pad_add_probe(
            src.get(), type,
            [](GstPad *, GstPadProbeInfo *info, gpointer self) {
                static_cast<InFlight *>(self)->add_to_record(info);
                return GST_PAD_PROBE_OK;
            },
            this, nullptr);
    }
    void push_levels(int first, int last)
    {
        for (int level = first; level <= last; ++level)
            EXPECT_EQ(push(flat_frame(static_cast<std::uint8_t>(level),
                                      static_cast<GstClockTime>(level) * 40 * GST_MSECOND)),
                      GST_FLOW_OK)
                << level;
    }
    void push_event(GstEvent *event) { EXPECT_TRUE(gst_harness_push_event(harness_.get(), event)); }
    void push_segment()
    {
        GstSegment segment;
        gst_segment_init(&segment, GST_FORMAT_TIME);
        push_event(gst_event_new_segment(&segment));
    }

    std::vector<std::string> recorded_;

private:
    void add_to_record(GstPadProbeInfo *info)
    {
        if (GST_PAD_PROBE_INFO_TYPE(info) & GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM) {
            recorded_.emplace_back(GST_EVENT_TYPE_NAME(gst_pad_probe_info_get_event(info)));
            return;
        }
        guint8 level = 0;
        gst_buffer_extract(gst_pad_probe_info_get_buffer(info), 0, &level, 1);
        recorded_.push_back(std::to_string(level));
    }
};

inline std::vector<std::string> levels(int first, int last)
{
    std::vector<std::string> out;
    for (int level = first; level <= last; ++level)
        out.push_back(std::to_string(level));
    return out;
}

/// Copies, after it has told `meanwhile` what it paints.
inline std::shared_ptr<FakePainter> painter_of(std::function<void(int level)> meanwhile)
{
    return std::make_shared<FakePainter>([meanwhile](const std::uint8_t *rgb) {
        meanwhile(rgb[0]);
        return Colour{rgb[0], rgb[1], rgb[2]};
    });
}

} // namespace anime
