// SPDX-License-Identifier: LGPL-2.1-or-later
// The element in a harness of its own, with a bus.
#pragma once

#include "elements/common/gst_raii.h"
#include "elements/sizeguard/gstsizeguard.h"
#include "tests/elements/sizeguard/test_images.h"

#include <gst/check/gstharness.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace anime::test
{

using HarnessPtr = std::unique_ptr<GstHarness, Release<gst_harness_teardown>>;

inline BufferPtr buffer_of(const Data &data)
{
    GstBuffer *buffer = gst_buffer_new_allocate(nullptr, data.size(), nullptr);
    gst_buffer_fill(buffer, 0, data.data(), data.size());
    return BufferPtr(buffer);
}

class Sizeguard : public testing::Test
{
protected:
    Sizeguard()
    {
        GST_ELEMENT_REGISTER(sizeguard, nullptr);
        element_.reset(GST_ELEMENT(gst_object_ref_sink(gst_element_factory_make("sizeguard", nullptr))));
        bus_.reset(gst_bus_new());
        gst_element_set_bus(element_.get(), bus_.get());
        harness_.reset(gst_harness_new_with_element(element_.get(), "sink", "src"));
    }
    ~Sizeguard() override
    {
        harness_.reset();
        gst_element_set_bus(element_.get(), nullptr);
        gst_element_set_state(element_.get(), GST_STATE_NULL);
    }

    GstHarness *harness() { return harness_.get(); }

    void start(GstFormat format = GST_FORMAT_BYTES, const char *caps = nullptr)
    {
        gst_harness_play(harness());
        stream(format, caps);
    }
    void stream(GstFormat format, const char *caps)
    {
        gst_harness_push_event(harness(), gst_event_new_stream_start("test"));
        if (caps)
            gst_harness_push_event(harness(), gst_event_new_caps(CapsPtr(gst_caps_from_string(caps)).get()));
        GstSegment segment;
        gst_segment_init(&segment, format);
        gst_harness_push_event(harness(), gst_event_new_segment(&segment));
    }
    GstFlowReturn push(const Data &data) { return gst_harness_push(harness(), buffer_of(data).release()); }
    GstFlowReturn push_at(const Data &data, GstClockTime pts)
    {
        BufferPtr buffer = buffer_of(data);
        GST_BUFFER_PTS(buffer.get()) = pts;
        GST_BUFFER_DURATION(buffer.get()) = GST_SECOND;
        return gst_harness_push(harness(), buffer.release());
    }
    bool end() { return gst_harness_push_event(harness(), gst_event_new_eos()); }
    BufferPtr pull() { return BufferPtr(gst_harness_try_pull(harness())); }

    MessagePtr pop(GstMessageType type) { return MessagePtr(gst_bus_pop_filtered(bus_.get(), type)); }
    std::string error_code()
    {
        const MessagePtr message = pop(GST_MESSAGE_ERROR);
        if (!message)
            return "";
        const GstStructure *details;
        gst_message_parse_error_details(message.get(), &details);
        return gst_structure_get_string(details, "code");
    }
    std::string out_caps()
    {
        const PadPtr pad(gst_element_get_static_pad(element_.get(), "src"));
        const CapsPtr caps(gst_pad_get_current_caps(pad.get()));
        return caps ? StringPtr(gst_caps_to_string(caps.get())).get() : "";
    }
    guint64 stat(const char *name)
    {
        GstStructure *stats;
        g_object_get(element_.get(), "stats", &stats, nullptr);
        guint64 value = 0;
        gst_structure_get_uint64(stats, name, &value);
        gst_structure_free(stats);
        return value;
    }
    void downstream_takes(const char *caps)
    {
        gst_harness_set_sink_caps(harness(), gst_caps_from_string(caps));
    }

    ElementPtr element_;
    std::unique_ptr<GstBus, Release<gst_object_unref>> bus_;
    HarnessPtr harness_;
};

inline bool has(const std::string &text, const std::string &part)
{
    return text.find(part) != std::string::npos;
}

} // namespace anime::test
