// SPDX-License-Identifier: LGPL-2.1-or-later
// One element that paints frames, in a GstHarness, with painters that a test brings.
#pragma once

#include "elements/common/gst_raii.h"
#include "tests/elements/fake_painter.h"

#include <gst/check/gstharness.h>
#include <gst/video/video.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace anime
{

using BusPtr = std::unique_ptr<GstBus, Release<gst_object_unref>>;
using HarnessPtr = std::unique_ptr<GstHarness, Release<gst_harness_teardown>>;

/// What an ERROR message says.
struct PostedError {
    std::string code;
    GQuark domain = 0;
    std::string text = {};
};

/// What one debug category writes while this lives, down to LOG.
class CapturedLog
{
public:
    explicit CapturedLog(const char *category) : category_(category)
    {
        gst_debug_add_log_function(add, this, nullptr);
        gst_debug_set_threshold_for_name(category, GST_LEVEL_LOG);
    }
    ~CapturedLog()
    {
        gst_debug_unset_threshold_for_name(category_);
        gst_debug_remove_log_function_by_data(this);
    }
    CapturedLog(const CapturedLog &) = delete;
    CapturedLog &operator=(const CapturedLog &) = delete;

    /// Whether a line of this level contains `text`.
    bool has(GstDebugLevel level, const std::string &text) const
    {
        return std::any_of(lines_.begin(), lines_.end(), [&](const auto &line) {
            return line.first == level && line.second.find(text) != std::string::npos;
        });
    }

private:
    static void add(GstDebugCategory *category, GstDebugLevel level, const gchar *, const gchar *, gint,
                    GObject *, GstDebugMessage *message, gpointer self)
    {
        auto *log = static_cast<CapturedLog *>(self);
        if (g_str_equal(gst_debug_category_get_name(category), log->category_))
            log->lines_.emplace_back(level, gst_debug_message_get(message));
    }

    const char *category_;
    std::vector<std::pair<GstDebugLevel, std::string>> lines_;
};

class ElementTest : public ::testing::Test
{
protected:
    explicit ElementTest(const char *factory) : factory_(factory) {}

    void SetUp() override
    {
        element_.reset(GST_ELEMENT(gst_object_ref_sink(gst_element_factory_make(factory_, nullptr))));
        bus_.reset(gst_bus_new());
        gst_element_set_bus(element_.get(), bus_.get());
    }
    void TearDown() override
    {
        harness_.reset();
        gst_element_set_state(element_.get(), GST_STATE_NULL);
        gst_element_set_bus(element_.get(), nullptr);
    }

    /// Goes on with a new element.
    void renew()
    {
        TearDown();
        SetUp();
    }

    void start(int width = 4, int height = 4, const char *format = "RGB")
    {
        harness_.reset(gst_harness_new_with_element(element_.get(), "sink", "src"));
        set_caps(width, height, format);
    }
    void set_caps(int width, int height, const char *format = "RGB")
    {
        const std::string caps = std::string("video/x-raw,format=") + format +
                                 ",framerate=25/1,width=" + std::to_string(width) +
                                 ",height=" + std::to_string(height);
        gst_harness_set_src_caps_str(harness_.get(), caps.c_str());
        const CapsPtr parsed(gst_caps_from_string(caps.c_str()));
        gst_video_info_from_caps(&info_, parsed.get());
    }

    /// A frame whose byte `c` of pixel (x, y) is function(x, y, c), with the strides of its caps.
    template <typename Function>
    BufferPtr frame(Function function, GstClockTime pts = 0) const
    {
        BufferPtr buffer(gst_buffer_new_allocate(nullptr, GST_VIDEO_INFO_SIZE(&info_), nullptr));
        GST_BUFFER_PTS(buffer.get()) = pts;
        GST_BUFFER_DURATION(buffer.get()) = 40 * GST_MSECOND;
        fill(buffer.get(), function);
        return buffer;
    }
    template <typename Function>
    void fill(GstBuffer *buffer, Function function) const
    {
        const MappedFrame mapped(info_, buffer, GST_MAP_WRITE);
        for (int y = 0; y < mapped.height(); ++y)
            for (int x = 0; x < mapped.width(); ++x)
                for (int c = 0; c < mapped.pixel_stride(); ++c)
                    mapped.data()[y * mapped.stride() + x * mapped.pixel_stride() + c] = function(x, y, c);
    }
    BufferPtr flat_frame(std::uint8_t level, GstClockTime pts = 0) const
    {
        return frame([level](int, int, int) { return level; }, pts);
    }

    GstFlowReturn push(BufferPtr buffer) { return gst_harness_push(harness_.get(), buffer.release()); }
    BufferPtr pull() { return BufferPtr(gst_harness_try_pull(harness_.get())); }
    BufferPtr through(BufferPtr buffer)
    {
        EXPECT_EQ(push(std::move(buffer)), GST_FLOW_OK);
        BufferPtr out = pull();
        EXPECT_TRUE(out);
        return out;
    }
    /// The level of a frame that has to be flat.
    int level_of(const BufferPtr &buffer) const
    {
        const MappedFrame mapped(info_, buffer.get(), GST_MAP_READ);
        const int level = mapped.data()[0];
        EXPECT_EQ(differences(buffer, [level](int, int, int) { return level; }), 0);
        return level;
    }
    /// How many bytes of the frame are not what `function` says.
    template <typename Function>
    int differences(const BufferPtr &buffer, Function function) const
    {
        const MappedFrame mapped(info_, buffer.get(), GST_MAP_READ);
        if (!mapped)
            return -1;
        int count = 0;
        for (int y = 0; y < mapped.height(); ++y)
            for (int x = 0; x < mapped.width(); ++x)
                for (int c = 0; c < mapped.pixel_stride(); ++c)
                    count += mapped.data()[y * mapped.stride() + x * mapped.pixel_stride() + c] !=
                             static_cast<std::uint8_t>(function(x, y, c));
        return count;
    }

    MessagePtr pop(GstMessageType type) { return MessagePtr(gst_bus_pop_filtered(bus_.get(), type)); }
    PostedError pop_error()
    {
        const MessagePtr message = pop(GST_MESSAGE_ERROR);
        if (!message)
            return {};
        GError *error = nullptr;
        gst_message_parse_error(message.get(), &error, nullptr);
        const ErrorPtr owned(error);
        const GstStructure *details = nullptr;
        gst_message_parse_error_details(message.get(), &details);
        return {gst_structure_get_string(details, "code"), error->domain, error->message};
    }
    guint64 stat(const char *name)
    {
        GstStructure *stats = nullptr;
        g_object_get(element_.get(), "stats", &stats, nullptr);
        const StructurePtr owned(stats);
        guint64 value = 0;
        EXPECT_TRUE(gst_structure_get_uint64(stats, name, &value)) << name;
        return value;
    }

    const char *factory_;
    ElementPtr element_;
    BusPtr bus_;
    HarnessPtr harness_;
    GstVideoInfo info_ = {};
};

} // namespace anime
