// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/pipelines/film/fixture.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <sstream>

namespace
{

std::vector<std::string> lines(const std::string &text)
{
    std::istringstream in(text);
    std::vector<std::string> found;
    for (std::string line; std::getline(in, line);)
        if (!line.empty())
            found.push_back(line);
    return found;
}

/// From one frame to the next, on average.
double frame_time(const Seen &seen)
{
    const auto count = static_cast<double>(seen.frames.size());
    return count > 1 ? (seen.frames.back() - seen.frames.front()) / (count - 1) : 0;
}

} // namespace

Words ffprobe(const fs::path &file, Words arguments)
{
    Words all = {"ffprobe", "-v", "error", "-of", "csv=p=0"};
    all.insert(all.end(), arguments.begin(), arguments.end());
    all.push_back(file);
    return lines(run(all).out);
}

Seen look(const fs::path &file)
{
    Seen seen;
    for (const std::string &line :
         ffprobe(file, {"-select_streams", "v:0", "-show_entries", "packet=pts_time"}))
        seen.frames.push_back(std::atof(line.c_str()));
    std::ranges::sort(seen.frames);
    for (const std::string &line :
         ffprobe(file, {"-count_packets", "-select_streams", "a", "-show_entries", "stream=nb_read_packets"}))
        seen.packets.push_back(std::atoi(line.c_str()));
    seen.subtitles =
        static_cast<int>(ffprobe(file, {"-select_streams", "s", "-show_entries", "stream=index"}).size());
    for (const std::string &line : ffprobe(file, {"-select_streams", "v:0", "-show_entries",
                                                  "stream=width,height,sample_aspect_ratio,color_space"}))
        seen.picture = line.substr(0, line.find_last_not_of(',') + 1);
    if (seen.frames.empty())
        return seen;
    double begin = seen.frames.front();
    double end = seen.frames.back() + frame_time(seen);
    for (const std::string &line :
         ffprobe(file, {"-select_streams", "a", "-show_entries", "packet=pts_time,duration_time"})) {
        const double at = std::atof(line.c_str());
        begin = std::min(begin, at);
        end = std::max(end, at + std::atof(line.c_str() + line.find(',') + 1));
    }
    seen.lasts = end - begin;
    return seen;
}

std::array<double, 3> mean_colour(const fs::path &film, const std::string &matrix)
{
    const fs::path to = fs::path(testing::TempDir()) / ("mean-" + std::to_string(getpid()) + ".rgb");
    run({"ffmpeg", "-v", "error", "-y", "-i", film, "-map", "0:v:0", "-frames:v", "3", "-vf",
         "scale=" + matrix + "flags=accurate_rnd+full_chroma_int", "-pix_fmt", "rgb24", "-f", "rawvideo",
         to});
    std::ifstream in(to, std::ios::binary);
    const std::vector<char> bytes{std::istreambuf_iterator<char>(in), {}};
    std::array<double, 3> sum = {};
    for (std::size_t i = 0; i + 2 < bytes.size(); i += 3)
        for (std::size_t c = 0; c < 3; ++c)
            sum[c] += static_cast<unsigned char>(bytes[i + c]);
    for (double &channel : sum)
        channel /= std::max<double>(1, static_cast<double>(bytes.size()) / 3);
    fs::remove(to);
    return sum;
}

void Film::SetUp()
{
    if (std::getenv("GST_TRACERS"))
        GTEST_SKIP() << "the films are painted by another program, whose objects a tracer here does not see";
    if (run({"ffprobe", "-version"}).code != 0)
        GTEST_SKIP() << "there is no ffprobe to read films with (Debian: ffmpeg)";
    if (run({"gst-inspect-1.0", "--exists", "h264parse"}).code != 0 ||
        run({"gst-inspect-1.0", "--exists", "x264enc"}).code != 0)
        GTEST_SKIP() << "the Debian packages of films are not installed (packaging/debian-packages.txt)";
    fs::create_directories(folder_);
}

Ended Film::paint(const fs::path &in, const fs::path &out)
{
    return run({ANIME_RUN, "--strength", "0", "--stall-after", "60", in, out});
}

fs::path Film::make(const std::string &name, const std::string &line)
{
    const fs::path path = folder_ / name;
    std::istringstream in(line);
    Words words = {"gst-launch-1.0", "-q"};
    for (std::string word; in >> word;)
        words.push_back(word);
    words.insert(words.end(), {"!", "filesink", "location=" + path.string()});
    const Ended ended = run(words);
    EXPECT_EQ(ended.code, 0) << ended.err;
    return path;
}

void Film::expect_same(const Seen &in, const Seen &out, bool sound_copied)
{
    ASSERT_EQ(out.frames.size(), in.frames.size());
    double most = 0;
    for (std::size_t i = 0; i < in.frames.size(); ++i)
        most = std::max(most, std::abs((out.frames[i] - out.frames[0]) - (in.frames[i] - in.frames[0])));
    EXPECT_LE(most, 0.001) << "a frame's time, in seconds";
    EXPECT_NEAR(out.lasts, in.lasts, frame_time(in) + 0.001);
    EXPECT_EQ(out.packets.size(), in.packets.size());
    if (sound_copied) {
        EXPECT_EQ(out.packets, in.packets);
    }
}
