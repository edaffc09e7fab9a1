// SPDX-License-Identifier: LGPL-2.1-or-later
// One animeganfilter with painters that a test brings, in a GstHarness.
#pragma once

#include "elements/animeganfilter/gstanimeganfilter.h"
#include "tests/elements/element_fixture.h"

#include <memory>

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
};

} // namespace anime
