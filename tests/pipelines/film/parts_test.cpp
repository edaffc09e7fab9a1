// SPDX-License-Identifier: LGPL-2.1-or-later
// What a film is made of, piece by piece: colours, the tone curve, subtitles' text, encoders.
#include "pipelines/film/colour.h"
#include "pipelines/film/encoder.h"
#include "pipelines/film/film.h"
#include "pipelines/film/stall.h"
#include "pipelines/film/subtitles.h"
#include "pipelines/film/tone_curve.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace anime
{

namespace
{

GstVideoColorimetry colours(const char *text)
{
    GstVideoColorimetry colorimetry = {};
    gst_video_colorimetry_from_string(&colorimetry, text);
    return colorimetry;
}

std::string repaired(const char *decoded, const char *container, int width, int height)
{
    const std::optional<GstVideoColorimetry> said =
        *container ? std::optional(colours(container)) : std::nullopt;
    const GstVideoColorimetry result =
        repaired_colorimetry(*decoded ? colours(decoded) : GstVideoColorimetry{}, said, width, height);
    const StringPtr text(gst_video_colorimetry_to_string(&result));
    return text.get();
}

} // namespace

TEST(AFilmThatStandsStill, IsGivenUp)
{
    using namespace std::chrono_literals;
    const StallWatch::Clock::time_point start{};
    StallWatch watch(10s, start);
    std::chrono::milliseconds time = 0ms;
    const auto gives_up_within = [&](std::chrono::milliseconds span, std::uint64_t moved,
                                     bool failed = false) {
        for (const auto end = time + span; time < end;) {
            time += 50ms;
            if (watch.gives_up(moved, failed, start + time))
                return true;
        }
        return false;
    };
    EXPECT_FALSE(gives_up_within(9900ms, 0));
    EXPECT_FALSE(gives_up_within(9900ms, 1)) << "something came";
    time += 1h;
    EXPECT_FALSE(watch.gives_up(1, false, start + time)) << "the program was stopped meanwhile";
    EXPECT_TRUE(gives_up_within(200ms, 1)) << "what stood still before counts";
    EXPECT_FALSE(gives_up_within(4900ms, 2, true));
    EXPECT_TRUE(gives_up_within(200ms, 2, true)) << "after an error";
}

TEST(FilmColours, HaveTheirGapsFilled)
{
    EXPECT_EQ(repaired("", "", 640, 480), "bt601") << "small pictures, by the usual rule";
    EXPECT_EQ(repaired("", "", 720, 576), "bt601");
    EXPECT_EQ(repaired("", "", 1280, 720), "bt709");
    EXPECT_EQ(repaired("", "", 720, 720), "bt709");
    EXPECT_EQ(repaired("bt601", "", 1920, 1080), "bt601") << "what the stream says stays";
    EXPECT_EQ(repaired("", "bt709", 320, 180), "bt709") << "the header speaks where the stream says nothing";
    EXPECT_EQ(repaired("1:3:5:1", "bt709", 1280, 720), "1:3:5:1") << "full range, which the header denies";
    EXPECT_EQ(repaired("1:0:0:0", "", 640, 480), "1:4:16:4") << "full range without a matrix";
}

TEST(FilmColours, AreWrittenAsTheyWereButWithLimitedRange)
{
    EXPECT_EQ(written_colorimetry(colours("bt601"), 640, 480), "bt601");
    EXPECT_EQ(written_colorimetry(colours("1:3:5:1"), 640, 480), "bt709");
    EXPECT_EQ(written_colorimetry(colours("bt2100-pq"), 640, 480), "bt709");
    EXPECT_EQ(written_colorimetry(colours("sRGB"), 1920, 1080), "bt709");
    EXPECT_TRUE(is_hdr(colours("bt2100-hlg")));
    EXPECT_FALSE(is_hdr(colours("bt2020")));
}

TEST(ToneCurve, KeepsDarkAndMiddleTonesAndRollsOffHighlights)
{
    // 75 % HLG and 58 % PQ are diffuse white, 203 cd/m² (BT.2408).
    const Colour white_hlg = tone_mapped(HdrTransfer::hlg, 1000, {0.75F, 0.75F, 0.75F});
    const Colour white_pq = tone_mapped(HdrTransfer::pq, 1000, {0.5807F, 0.5807F, 0.5807F});
    for (int c = 0; c < 3; ++c) {
        EXPECT_NEAR(white_hlg[c], white_pq[c], 0.01);
        EXPECT_GT(white_hlg[c], 0.85F) << "paper stays bright";
        EXPECT_LT(white_hlg[c], 0.97F) << "and leaves room above it";
    }
    EXPECT_NEAR(tone_mapped(HdrTransfer::pq, 1000, {0.7518F, 0.7518F, 0.7518F})[0], 1, 0.01) << "the peak";
    // 25 cd/m² is below the knee: untouched, so 25/203 to the power of 1/2.4.
    EXPECT_NEAR(tone_mapped(HdrTransfer::pq, 1000, {0.3765F, 0.3765F, 0.3765F})[1],
                std::pow(25.0F / 203, 1 / 2.4F), 0.002);
    float before = -1;
    for (int i = 0; i <= 100; ++i) {
        const float now = tone_mapped(HdrTransfer::hlg, 1000, {i / 100.0F, i / 100.0F, i / 100.0F})[1];
        EXPECT_GE(now, before) << i;
        before = now;
    }
}

TEST(ToneCurve, KeepsGreysGreyAndEveryColourWithinItsBounds)
{
    for (const HdrTransfer transfer : {HdrTransfer::hlg, HdrTransfer::pq})
        for (int i = 0; i < 9 * 9 * 9; ++i) {
            const Colour out = tone_mapped(transfer, 1000, {i / 81 / 8.0F, i / 9 % 9 / 8.0F, i % 9 / 8.0F});
            for (const float channel : out)
                EXPECT_TRUE(channel >= 0 && channel <= 1) << i;
            if (i % 91 == 0) {
                EXPECT_NEAR(out[0], out[1], 0.004) << i;
                EXPECT_NEAR(out[2], out[1], 0.004) << i;
            }
        }
}

TEST(ToneCurve, IsFollowedByItsTable)
{
    for (const HdrTransfer transfer : {HdrTransfer::hlg, HdrTransfer::pq}) {
        const ToneTable table(transfer, 1000);
        double sum = 0;
        int colours_tried = 0;
        for (int i = 0; i < 17 * 17 * 17; ++i) {
            const int level[3] = {i / 289, i / 17 % 17, i % 17};
            std::uint16_t argb[4] = {65535};
            Colour exact;
            for (int c = 0; c < 3; ++c) {
                exact[c] = level[c] / 17.0F + 0.01F;
                argb[c + 1] = static_cast<std::uint16_t>(exact[c] * 65535);
            }
            std::uint8_t rgb[3];
            table.apply(argb, rgb, 1);
            const Colour wanted = tone_mapped(transfer, 1000, exact);
            for (int c = 0; c < 3; ++c, ++colours_tried)
                sum += std::abs(rgb[c] - 255 * wanted[c]);
        }
        EXPECT_LT(sum / colours_tried, 1) << "levels of 255, in the mean";
    }
}

TEST(SubtitleText, IsWhatTheMarkupStandsFor)
{
    EXPECT_EQ(subtitle_text("<i>Hello</i> &amp; <span foreground=\"red\">you</span>", true),
              "<i>Hello</i> & you");
    EXPECT_EQ(subtitle_text("<i>Hello</i> &lt;you&gt;", false), "Hello <you>");
    EXPECT_EQ(subtitle_text("caf&#233; &#x4f60;", true), "caf\u00e9 \u4f60");
    for (const char *plain : {"a < b", "AT&T", "&;", "<", "&", "&#0;", "&#x110000;", ""})
        EXPECT_EQ(subtitle_text(plain, true), plain);
}

TEST(FilmEncoder, IsTheFirstOfTheDescriptionsThatWorksHere)
{
    Description description = {.name = "test", .text = "videotestsrc ! {encoder} ! fakesink"};
    description.alternatives["encoder"] = {"no-such-encoder", "identity error-after=1", "identity",
                                           "fakesink"};
    EXPECT_EQ(with_working_encoders(description).text, "videotestsrc ! identity ! fakesink");
    description.alternatives["encoder"] = {"no-such-encoder bitrate=1"};
    try {
        with_working_encoders(description);
        ADD_FAILURE();
    } catch (const PipelineError &error) {
        EXPECT_EQ(error.failure().code, "film-encoder-missing");
        EXPECT_THAT(error.failure().message, testing::HasSubstr("it tried no-such-encoder."));
    }
}

TEST(Film, IsADescriptionThatNamesWhatItsRunnerNeeds)
{
    for (const char *name : {"film", "film-mkv", "film-mov", "film-webm"})
        EXPECT_TRUE(is_film(load_description(name))) << name;
    EXPECT_FALSE(is_film(load_description("photo")));
}

} // namespace anime
