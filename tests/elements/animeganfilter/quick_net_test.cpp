// SPDX-License-Identifier: LGPL-2.1-or-later
// animeganfilter with a target rate goes down to the style's quick net before it paints smaller, and comes
// back.
#include "filter_fixture.h"

#include "models/painter.h"

#include <map>
#include <string>
#include <vector>

namespace anime
{
namespace
{

Colour grey(std::uint8_t level)
{
    return {level, level, level};
}

/// Takes as long as the test says, at any size, by the test's own clock.
class TimedPainter : public FakePainter
{
public:
    TimedPainter(std::uint8_t level, const char *name, std::uint64_t &clock)
        : FakePainter([level](const std::uint8_t *) { return grey(level); }, name), clock_(clock)
    {
    }

    PaintStats paint(const ConstImage &in, const Image &out, const std::atomic<bool> &cancel) override
    {
        clock_ += milliseconds * GST_MSECOND;
        sizes.emplace_back(in.width, in.height);
        return FakePainter::paint(in, out, cancel);
    }

    GstClockTime milliseconds = 1;
    std::vector<std::pair<int, int>> sizes;

private:
    std::uint64_t &clock_;
};

class QuickNet : public FilterTest
{
protected:
    static constexpr int whole_level = 200;
    static constexpr int quick_level = 50;
    static constexpr GstClockTime period = 10 * GST_MSECOND;
    /// ms: 0.37 of it would do.
    static constexpr GstClockTime too_long = 16;
    static constexpr int calm_frames = 90;

    void SetUp() override
    {
        FilterTest::SetUp();
        whole_ = std::make_shared<TimedPainter>(whole_level, "whole", now_);
        quick_ = std::make_shared<TimedPainter>(quick_level, "quick", now_);
        set_painter_opener(element_.get(), [this](const PaintSettings &settings) {
            ++opened_[settings.model];
            return settings.model == "aozora-quick" ? quick_ : whole_;
        });
        set_frame_clock(element_.get(), [this] { return now_; });
        g_object_set(element_.get(), "target-framerate", 100, 1, nullptr);
    }

    /// The level of the next frame, which tells the net.
    int next()
    {
        BufferPtr in = flat_frame(100, frames_++ * period);
        GST_BUFFER_DURATION(in.get()) = period;
        return level_of(through(std::move(in)));
    }
    /// Frames until the net has changed from that of `level`; at most `most`.
    int frames_of(int level, int most)
    {
        int count = 0;
        while (count < most && next() == level)
            ++count;
        return count;
    }
    /// Goes down to the quick net.
    void go_down()
    {
        whole_->milliseconds = too_long;
        next(); // which may be the first, and says nothing
        EXPECT_LE(frames_of(whole_level, 20), 3) << "in a row are slow";
        EXPECT_TRUE(pop(GST_MESSAGE_QOS));
    }
    std::pair<std::string, double> model_and_quality()
    {
        GstStructure *stats = nullptr;
        g_object_get(element_.get(), "stats", &stats, nullptr);
        const StructurePtr owned(stats);
        double quality = 0;
        EXPECT_TRUE(gst_structure_get_double(stats, "quality", &quality));
        return {gst_structure_get_string(stats, "model"), quality};
    }

    std::uint64_t now_ = 0;
    std::shared_ptr<TimedPainter> whole_;
    std::shared_ptr<TimedPainter> quick_;
    std::map<std::string, int> opened_;
    GstClockTime frames_ = 0;
};

TEST_F(QuickNet, ComesBeforeASmallerSizeAndAMessageSaysSo)
{
    whole_->milliseconds = too_long;
    start(20, 10);
    for (int i = 0; i < 4; ++i) {
        EXPECT_FALSE(pop(GST_MESSAGE_QOS)) << i;
        EXPECT_EQ(next(), whole_level);
    }
    EXPECT_EQ(model_and_quality(), std::pair(std::string("whole"), 1.0));
    const MessagePtr message = pop(GST_MESSAGE_QOS);
    ASSERT_TRUE(message);
    gdouble proportion = 0;
    gint quality = 0;
    gst_message_parse_qos_values(message.get(), nullptr, &proportion, &quality);
    EXPECT_DOUBLE_EQ(proportion, 1.6);
    EXPECT_EQ(quality, 370'000) << "of the arithmetic, in millionths";

    EXPECT_EQ(next(), quick_level);
    EXPECT_EQ(quick_->sizes.back(), std::pair(20, 10)) << "at full size";
    EXPECT_EQ(model_and_quality(), std::pair(std::string("quick"), 0.37));
}

TEST_F(QuickNet, PaintsSmallerWhereItIsTooSlowItself)
{
    quick_->milliseconds = whole_->milliseconds = too_long;
    start(20, 10);
    for (int i = 0; i < 12; ++i)
        next();
    EXPECT_EQ(next(), quick_level);
    EXPECT_LT(quick_->sizes.back().first, 20);
}

TEST_F(QuickNet, TheWholeStyleComesBackWhenThereIsTime)
{
    start(20, 10);
    go_down();
    whole_->milliseconds = 1;
    EXPECT_EQ(frames_of(quick_level, 400), calm_frames);
    ASSERT_TRUE(pop(GST_MESSAGE_QOS));
    EXPECT_EQ(frames_of(whole_level, 200), 200);
    EXPECT_EQ(model_and_quality(), std::pair(std::string("whole"), 1.0));
}

// The plan of a net for a size takes longer than a frame, so it is made with the first frame of that size.
TEST_F(QuickNet, BothNetsKnowEachSizeBeforeTheyAreNeeded)
{
    start(20, 10);
    EXPECT_EQ(next(), whole_level);
    EXPECT_EQ(next(), whole_level);
    EXPECT_EQ(quick_->sizes, (std::vector{std::pair(20, 10)})) << "once";

    go_down();
    set_caps(32, 16);
    EXPECT_EQ(next(), quick_level);
    EXPECT_EQ(whole_->sizes.back(), std::pair(32, 16));

    g_object_set(element_.get(), "max-dimension", 16, nullptr);
    EXPECT_EQ(next(), quick_level);
    EXPECT_EQ(whole_->sizes.back(), std::pair(16, 8));
}

TEST_F(QuickNet, IsOpenedWithTheStyleAndOnlyWhereARateIsHeld)
{
    start();
    next();
    EXPECT_EQ(opened_, (std::map<std::string, int>{{"default", 1}, {"aozora-quick", 1}}));

    renew();
    opened_.clear();
    g_object_set(element_.get(), "target-framerate", 0, 1, nullptr);
    start();
    next();
    EXPECT_EQ(opened_, (std::map<std::string, int>{{"default", 1}}));
    g_object_set(element_.get(), "target-framerate", 100, 1, nullptr);
    next();
    EXPECT_EQ(opened_["aozora-quick"], 1) << "from then on";
}

TEST_F(QuickNet, NoTargetMeansTheWholeStyle)
{
    start();
    go_down();
    g_object_set(element_.get(), "target-framerate", 0, 1, nullptr);
    EXPECT_EQ(next(), whole_level);
    EXPECT_EQ(model_and_quality().second, 1.0);
    EXPECT_EQ(quick_.use_count(), 1) << "nothing holds it any more";
}

TEST_F(QuickNet, AStyleThatHasNoneTakesOver)
{
    start();
    go_down();
    g_object_set(element_.get(), "model", "hayao", nullptr);
    EXPECT_EQ(next(), whole_level);
    EXPECT_EQ(quick_.use_count(), 1);
    g_object_set(element_.get(), "model", "aozora", nullptr);
    EXPECT_EQ(next(), whole_level);
    EXPECT_EQ(opened_["aozora-quick"], 2);
}

// What the slow frames took is no latency any more once they are gone: frames now fit into their time.
TEST_F(QuickNet, TheLatencyIsThatOfTheFramesToCome)
{
    start();
    gst_harness_set_upstream_latency(harness_.get(), 0);
    go_down();
    EXPECT_EQ(gst_harness_query_latency(harness_.get()), period);
}

// The real ones: what the catalogue names can be opened and paints.
TEST_F(QuickNet, TheDefaultsOwnIsThereAndPaints)
{
    ASSERT_EQ(quick_style("default"), "aozora-quick");
    std::vector<std::shared_ptr<Painter>> nets;
    set_painter_opener(element_.get(), [&nets](const PaintSettings &settings) {
        nets.push_back(open_painter(settings));
        return nets.back();
    });
    start(64, 48);
    through(flat_frame(100));
    ASSERT_EQ(nets.size(), 2U);
    EXPECT_EQ(nets[1]->info().model, "aozora-quick");
    EXPECT_GT(nets[1]->memory_bytes(), 0U) << "it has its plan";
}

} // namespace
} // namespace anime
