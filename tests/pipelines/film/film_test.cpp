// SPDX-License-Identifier: LGPL-2.1-or-later
// Films through anime-run as a user runs it, at strength 0, read back by ffprobe and ffmpeg: frames, times,
// size, orientation, sound, colours, or the code of the refusal. The clips beside the checkout are public
// test data and not part of the project; without them, and without FFmpeg, what needs them is skipped.
// ANIME_FILM_ALL=1 takes the long clips too.
#include "tests/pipelines/film/fixture.h"

#include <glib.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>

using testing::HasSubstr;

TEST_F(Film, KeepsEveryFrameOfAVariableRate)
{
    // A third of the frames is missing.
    const fs::path in =
        make("variable.mkv", std::string(ball) +
                                 "num-buffers=90 ! video/x-raw,width=160,height=120,framerate=30/1 "
                                 "! identity drop-probability=0.3 ! x264enc ! matroskamux");
    const Ended ended = paint(in, folder_ / "out.mp4");
    ASSERT_EQ(ended.code, 0) << ended.err;
    expect_same(look(in), look(folder_ / "out.mp4"));
}

TEST_F(Film, MakesAnOddSizeEvenAndSaysSo)
{
    const fs::path in = make(
        "odd.webm",
        std::string(ball) + "num-buffers=5 ! video/x-raw,width=161,height=121 ! vp8enc deadline=1 ! webmmux");
    const Ended ended = paint(in, folder_ / "out.mp4");
    ASSERT_EQ(ended.code, 0) << ended.err;
    EXPECT_THAT(ended.err, HasSubstr("[film-resized]"));
    EXPECT_THAT(look(folder_ / "out.mp4").picture, testing::StartsWith("162,122"));
}

TEST_F(Film, KeepsTheFirstSizeWhenItChanges)
{
    const fs::path first =
        make("a.ts", std::string(ball) + "num-buffers=10 ! video/x-raw,width=160,height=120,framerate=10/1 ! "
                                         "x264enc ! h264parse ! mpegtsmux");
    const fs::path second =
        make("b.ts", std::string(ball) + "num-buffers=10 timestamp-offset=1000000000 ! "
                                         "video/x-raw,width=320,height=180,framerate=10/1 ! x264enc ! "
                                         "h264parse ! mpegtsmux");
    std::ofstream both(folder_ / "both.ts", std::ios::binary);
    both << std::ifstream(first, std::ios::binary).rdbuf() << std::ifstream(second, std::ios::binary).rdbuf();
    both.close();
    const Ended ended = paint(folder_ / "both.ts", folder_ / "out.mp4");
    EXPECT_THAT(ended.err, HasSubstr("[film-resized]"));
    const fs::path out = ended.code == 0 ? folder_ / "out.mp4" : folder_ / "out-partial.mp4";
    EXPECT_THAT(look(out).picture, testing::StartsWith("160,120"));
}

TEST_F(Film, LeavesAnOddSizeToWebM)
{
    const fs::path in = make(
        "odd.webm",
        std::string(ball) + "num-buffers=5 ! video/x-raw,width=161,height=121 ! vp8enc deadline=1 ! webmmux");
    const Ended ended = paint(in, folder_ / "out.webm");
    ASSERT_EQ(ended.code, 0) << ended.err;
    EXPECT_EQ(ended.err, "");
    EXPECT_THAT(look(folder_ / "out.webm").picture, testing::StartsWith("161,121"));
}

class Interlaced : public Film, public testing::WithParamInterface<const char *>
{
protected:
    /// Frames that look interlaced, by what FFmpeg sees of neighbouring lines.
    static int combed(const fs::path &film)
    {
        const Ended ended = run({"ffmpeg", "-v", "info", "-i", film, "-vf", "idet", "-f", "null", "-"});
        const std::size_t at = ended.err.find("Multi frame detection: TFF:");
        int top = -1;
        int bottom = 0;
        if (at != std::string::npos)
            std::sscanf(ended.err.c_str() + at, "Multi frame detection: TFF: %d BFF: %d", &top, &bottom);
        return top + bottom;
    }
};

TEST_P(Interlaced, BecomesProgressiveWithTheSameNumberOfFrames)
{
    const fs::path in =
        make("interlaced.mkv",
             "videotestsrc pattern=ball motion=hsweep num-buffers=60 ! "
             "video/x-raw,format=I420,width=160,height=120,framerate=50/1 ! interlace field-pattern=1:1 ! "
             "videoconvert ! video/x-raw,format=" +
                 std::string(GetParam()) + " ! x264enc interlaced=true ! matroskamux");
    EXPECT_EQ(combed(in), 30) << "there is something to do";
    const Ended ended = paint(in, folder_ / "out.mp4");
    ASSERT_EQ(ended.code, 0) << ended.err;
    EXPECT_EQ(look(folder_ / "out.mp4").frames.size(), look(in).frames.size());
    EXPECT_THAT(ffprobe(folder_ / "out.mp4", {"-show_entries", "stream=field_order"}),
                testing::ElementsAre("progressive"));
    EXPECT_LT(combed(folder_ / "out.mp4"), 8) << "where the ball turns, it takes a frame for fields";
}

INSTANTIATE_TEST_SUITE_P(Film, Interlaced,
                         testing::Values("I420", "Y42B", "Y444", "I420_10LE", "I422_10LE", "Y444_10LE"),
                         [](const auto &info) { return std::string(info.param); });

TEST_F(Film, EncodesSoundThatTheContainerCannotHold)
{
    const fs::path in =
        make("pcm.mkv",
             std::string("matroskamux name=m audiotestsrc num-buffers=20 ! "
                         "audio/x-raw,format=S16LE,rate=44100,channels=2 ! m. ") +
                 ball + "num-buffers=10 ! video/x-raw,width=160,height=120,framerate=20/1 ! x264enc ! m. m.");
    const Ended mp4 = paint(in, folder_ / "out.mp4");
    ASSERT_EQ(mp4.code, 0) << mp4.err;
    EXPECT_THAT(mp4.err, HasSubstr("[film-sound-encoded]"));
    expect_same(look(in), look(folder_ / "out.mp4"), false);
    const Ended mkv = paint(in, folder_ / "out.mkv");
    ASSERT_EQ(mkv.code, 0) << mkv.err;
    EXPECT_EQ(mkv.err, "") << "Matroska holds it";
    expect_same(look(in), look(folder_ / "out.mkv"));
}

TEST_F(Film, WaitsForNoSoundThatEndsEarly)
{
    const fs::path in = make(
        "short-sound.mkv",
        std::string("matroskamux name=m audiotestsrc num-buffers=20 ! "
                    "opusenc ! m. ") +
            ball + "num-buffers=300 ! video/x-raw,width=160,height=120,framerate=20/1 ! x264enc ! m. m.");
    for (const char *name : {"out.mp4", "out.mkv"}) {
        const Ended ended = paint(in, folder_ / name);
        ASSERT_EQ(ended.code, 0) << ended.err;
        expect_same(look(in), look(folder_ / name));
    }
}

TEST_F(Film, MissesNoFrameThatAnEditListHides)
{
    const fs::path whole = make(
        "whole.mp4", std::string(ball) + "num-buffers=60 ! video/x-raw,width=160,height=120,framerate=20/1 ! "
                                         "x264enc key-int-max=20 bframes=0 ! mp4mux");
    const fs::path cut = folder_ / "cut.mp4";
    ASSERT_EQ(run({"ffmpeg", "-v", "error", "-ss", "1.5", "-i", whole, "-c", "copy", cut}).code, 0);
    const Ended ended = paint(cut, folder_ / "out.mp4");
    ASSERT_EQ(ended.code, 0) << ended.err;
    EXPECT_EQ(ended.err, "") << "the ten frames before the edit's beginning are not missing";
    EXPECT_EQ(look(folder_ / "out.mp4").frames.size(), 30U);
}

TEST_F(Film, SaysThatAFileIsNotWholeAndKeepsWhatWasPainted)
{
    const fs::path whole = make(
        "whole.mkv", std::string(ball) + "num-buffers=100 ! video/x-raw,width=160,height=120,framerate=20/1 "
                                         "! x264enc key-int-max=10 ! matroskamux");
    std::ifstream in(whole, std::ios::binary);
    std::string bytes{std::istreambuf_iterator<char>(in), {}};
    std::ofstream(folder_ / "half.mkv", std::ios::binary) << bytes.substr(0, bytes.size() / 2);
    const Ended ended = paint(folder_ / "half.mkv", folder_ / "out.mp4");
    EXPECT_EQ(ended.code, 1);
    EXPECT_THAT(ended.err, HasSubstr("[film-truncated]"));
    EXPECT_THAT(ended.err, HasSubstr("of the 5.00 s that its header says"));
    EXPECT_FALSE(fs::exists(folder_ / "out.mp4"));
    EXPECT_GT(look(folder_ / "out-partial.mp4").frames.size(), 20U);
}

TEST_F(Film, LeavesNothingBehindWhenItIsInterrupted)
{
    // 600 frames of this size take many times as long as it takes to see that it paints.
    const fs::path in =
        make("long.mkv", std::string(ball) + "num-buffers=600 ! video/x-raw,width=640,height=480 ! "
                                             "x264enc speed-preset=ultrafast ! matroskamux");
    const fs::path out = folder_ / "out.mp4";
    // What a shell starts in the background ignores the signal, but for env; a second one ends it at once.
    const std::string script = "env --default-signal=INT \"$0\" \"$@\" & until [ -s '" +
                               journal_of(out).string() + "' ]; do sleep 0.05; done; kill -INT $!; wait $!";
    const Ended ended = run({"timeout", "240", "sh", "-c", script, ANIME_RUN, in, out});
    EXPECT_THAT(ended.err, HasSubstr("Interrupted."));
    EXPECT_EQ(std::distance(fs::directory_iterator(folder_), fs::directory_iterator()), 1);
}

TEST_F(Film, RefusesWhatIsNone)
{
    std::ofstream(folder_ / "text.mp4") << std::string(4000, 'x');
    std::ofstream(folder_ / "empty.mkv") << "";
    const fs::path sound = make("sound.mkv", "audiotestsrc num-buffers=20 ! opusenc ! matroskamux");
    EXPECT_THAT(paint(folder_ / "text.mp4", folder_ / "out.mp4").err, HasSubstr("[film-unreadable]"));
    EXPECT_THAT(paint(folder_ / "empty.mkv", folder_ / "out.mp4").err, HasSubstr("[film-unreadable]"));
    EXPECT_THAT(paint(sound, folder_ / "out.mp4").err,
                HasSubstr("sound.mkv, only sound (1 track). Name a film that has one. [film-no-picture]"));
    EXPECT_EQ(std::distance(fs::directory_iterator(folder_), fs::directory_iterator()), 3)
        << "nothing is left behind";
}

struct Clip {
    const char *name;
    std::size_t frames;  ///< that FFmpeg and GStreamer decode
    const char *picture; ///< of the painted film, as ffprobe writes it; empty: refused
    const char *said;    ///< code of a note or of the refusal
    const char *matrix = "";
    bool is_long = false;
    int subtitles = 0;
    bool sound_copied = true;
    bool same_colours = true;
};

class Clips : public Film, public testing::WithParamInterface<Clip>
{
};

TEST_P(Clips, AreAsTheirRowSays)
{
    const Clip &clip = GetParam();
    const fs::path in = fs::path(ANIME_SOURCE) / "../shared/clips" / clip.name;
    if (!fs::exists(in))
        GTEST_SKIP() << "there is no ../shared/clips/" << clip.name;
    if (clip.is_long && !std::getenv("ANIME_FILM_ALL"))
        GTEST_SKIP() << "long; ANIME_FILM_ALL=1 takes it too";
    const fs::path out = folder_ / "out.mp4";
    const Ended ended = paint(in, out);
    if (*clip.said)
        EXPECT_THAT(ended.err, HasSubstr(std::string("[") + clip.said + "]"));
    else
        EXPECT_EQ(ended.err, "");
    if (!*clip.picture) {
        EXPECT_EQ(ended.code, 1);
        EXPECT_TRUE(fs::is_empty(folder_)) << "nothing is left behind";
        return;
    }
    ASSERT_EQ(ended.code, 0) << ended.err;
    const Seen before = look(in);
    const Seen after = look(out);
    expect_same(before, after, clip.sound_copied);
    EXPECT_EQ(after.frames.size(), clip.frames);
    EXPECT_EQ(after.picture, clip.picture);
    EXPECT_EQ(after.subtitles, clip.subtitles);
    if (clip.same_colours) {
        const auto reference = mean_colour(in, clip.matrix);
        const auto painted = mean_colour(out, "");
        for (std::size_t c = 0; c < 3; ++c)
            EXPECT_NEAR(painted[c], reference[c], 2) << "levels of channel " << c;
    }
}

constexpr const char *hd = "in_color_matrix=bt709:"; ///< where the file says nothing and FFmpeg takes BT.601

INSTANTIATE_TEST_SUITE_P(
    Film, Clips,
    testing::Values(
        Clip{"am_bt601.mp4", 30, "360,240,1:1,smpte170m", ""},
        Clip{"am_hdr10-av1.mp4", 127, "720,1280,1:1,bt709", "film-tone-mapped", "", true, 0, true, false},
        Clip{"am_hlg10-color-test.mp4", 9, "1920,1080,1:1,bt709", "film-tone-mapped", "", false, 0, true,
             false},
        Clip{"am_internal_emulator_transformer_output_270_rotated.mp4", 149, "720,1280,1:1,bt709", "", "",
             true},
        Clip{"am_sample_mdat_too_long.mp4", 30, "1080,720,1:1,bt709", "", hd},
        Clip{"am_sample_with_ass_subtitles.mkv", 30, "1080,720,1:1,bt709", "film-stream-left-out", hd},
        Clip{"am_sample_with_pgs_subtitles.mkv", 30, "1080,720,1:1,bt709", "film-stream-left-out", hd},
        Clip{"am_sample_with_srt.mkv", 30, "1080,720,1:1,bt709", "", hd, false, 1},
        // Its header says 3.666 s, which at 30 a second would be 110; but the first frame comes at 0.033 s.
        Clip{"asl_book.mkv", 109, "640,480,1:1,smpte170m", "", "", true},
        Clip{"av1_video.mkv", 125, "640,360,1:1,bt709", "", "", true},
        Clip{"bottle-detection.mp4", 1189, "640,360,1:1,smpte170m", "", "", true},
        Clip{"bt709_full_range.mp4", 30, "1280,720,1:1,bt709", ""},
        Clip{"decord_90.mov", 3, "320,568,1:1,bt709", ""},
        Clip{"ft_fixture-corrupt.mkv", 0, "", "film-unreadable"},
        Clip{"h264_10bits.mp4", 30, "200,200,1:1,smpte170m", ""},
        Clip{"h265_10bits.mp4", 30, "200,200,1:1,smpte170m", ""},
        // All of it is 253 in blue, where one step of Cb is two levels.
        Clip{"h265_video.mp4", 10, "128,128,1:1,smpte170m", "", "", false, 0, true, false},
        // Two tracks of sound, and nothing else.
        Clip{"mb_multiple-aac-tracks.mp4", 0, "", "film-no-picture"},
        Clip{"mb_rotate-buck-bunny.mp4", 45, "1080,1920,1:1,bt709", "", "", true},
        Clip{"mb_sar_2x1.mp4", 150, "640,360,2:1,smpte170m", ""},
        Clip{"nasa_13013.mp4", 325, "320,180,1:1,bt709", "film-stream-left-out", "", false, 2},
        Clip{"pancake.mkv", 310, "426,240,1:1,smpte170m", ""},
        Clip{"pexels_iris.mp4", 270, "720,720,1:1,bt709", "", hd, true},
        Clip{"video_with_failing_audio.mp4", 280, "640,360,1:1,smpte170m", "", "", true},
        Clip{"am_bbb_642x642_768kbps_30fps_vp9.webm", 90, "642,642,1:1,bt709", "", hd},
        Clip{"big_buck_bunny_0_30.webm", 720, "1280,720,1:1,bt709", "film-sound-encoded", hd, true, 0, false},
        Clip{"transparent.webm", 150, "200,200,1:1,smpte170m", "film-flattened", "", false, 0, false, false}),
    [](const testing::TestParamInfo<Clip> &info) {
        std::string name = info.param.name;
        std::ranges::replace_if(
            name, [](unsigned char c) { return !g_ascii_isalnum(c); }, '_');
        return name;
    });
