// SPDX-License-Identifier: LGPL-2.1-or-later
// One animeganfilter with painters that a test brings, in a GstHarness.
#pragma once

#include "elements/animeganfilter/gstanimeganfilter.h"
#include "tests/elements/element_fixture.h"

#include <memory>
#include <string>
#include <utility>

namespace anime
{

class FilterTest : public ElementTest
{
protected:
    FilterTest() : ElementTest("animeganfilter") {}

    static void SetUpTestSuite() { GST_ELEMENT_REGISTER(animeganfilter, nullptr); }

    void SetUp() override
    {
        ElementTest::SetUp();
        gst_util_set_object_arg(G_OBJECT(element_.get()), "match-tone", "off");
    }

    using ElementTest::start;
    /// Starts the element with one painter for every model.
    void start(std::shared_ptr<Painter> painter, int width = 4, int height = 4, const char *format = "RGB")
    {
        set_painter_opener(element_.get(), [painter](const PaintSettings &) { return painter; });
        start(width, height, format);
    }
    /// Has what is in flight come out.
    void drain()
    {
        const QueryPtr query(gst_query_new_drain());
        gst_pad_peer_query(harness_->srcpad, query.get());
    }
};

/// The same tests for one frame at a time and for several.
class OneOrSeveralFrames : public FilterTest, public ::testing::WithParamInterface<unsigned>
{
protected:
    void SetUp() override
    {
        FilterTest::SetUp();
        g_object_set(element_.get(), "frames-in-flight", GetParam(), nullptr);
    }
    BufferPtr through(BufferPtr buffer)
    {
        EXPECT_EQ(push(std::move(buffer)), GST_FLOW_OK);
        drain();
        BufferPtr out = pull();
        EXPECT_TRUE(out);
        return out;
    }
};

inline std::string one_or_several(const ::testing::TestParamInfo<unsigned> &info)
{
    return info.param == 1 ? "OneAtATime" : "SeveralAtOnce";
}

} // namespace anime
