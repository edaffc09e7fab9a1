// SPDX-License-Identifier: LGPL-2.1-or-later
// The shipped descriptions as they are, from end to end: the pictures of several Debian packages, good and
// broken, go through "photo" and "web", and come out at the right size and the right way up or fail with a
// code.
#include "pipelines/runner.h"

#include "tests/pipelines/image_header.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <set>

namespace fs = std::filesystem;

namespace anime
{

namespace
{

using test::header_size;
using test::is_whole_jpeg;
using test::read_file;
using test::Size;

const fs::path png_suite = "/usr/share/doc/libsixel-examples/examples/images/pngsuite";
const fs::path go_exif = "/usr/share/gocode/src/github.com/rwcarlsen/goexif/exif";
const fs::path go_imaging = "/usr/share/gocode/src/github.com/disintegration/imaging/testdata";
const fs::path go_x_image = "/usr/share/gocode/src/golang.org/x/image/testdata";
const fs::path portrait = "/usr/share/matplotlib/mpl-data/sample_data/grace_hopper.jpg";

/// The folder of the Go release that is installed.
fs::path go_image()
{
    std::error_code absent;
    for (const fs::directory_entry &entry : fs::directory_iterator("/usr/share", absent))
        if (entry.path().filename().string().starts_with("go-1"))
            return entry.path() / "src/image";
    return {};
}

/// All codes that docs/elements.md gives to a picture that is broken or no picture.
const auto is_a_code_of_sizeguard = testing::MatchesRegex("(image|format|size)-[a-z-]+");

class Photo : public testing::Test
{
protected:
    Photo() { fs::create_directories(folder_); }
    ~Photo() override { fs::remove_all(folder_); }

    std::optional<RunFailure> paint(const fs::path &photo, const fs::path &output, double strength = 1)
    {
        Pipeline pipeline(load_description(output.extension() == ".jpg" ? "photo-jpeg" : "photo"));
        pipeline.set("input", "location", photo.string());
        pipeline.set("output", "location", output.string());
        pipeline.set("paint", "strength", strength);
        return pipeline.run({.deadline = std::chrono::steady_clock::now() + std::chrono::minutes(2)}).failure;
    }

    void comes_out(const fs::path &photo, bool may_turn = false)
    {
        SCOPED_TRACE(photo);
        const fs::path output = folder_ / "out.png";
        const std::optional<RunFailure> failure = paint(photo, output);
        ASSERT_FALSE(failure) << failure->code << ": " << failure->message << " " << failure->debug;
        const std::optional<Size> in = header_size(read_file(photo));
        const std::optional<Size> out = header_size(read_file(output));
        ASSERT_TRUE(in && out);
        if (may_turn && out->width == in->height)
            EXPECT_EQ(out->height, in->width);
        else
            EXPECT_EQ(*out, *in);
    }

    void is_refused(const fs::path &photo)
    {
        SCOPED_TRACE(photo);
        const std::optional<RunFailure> failure = paint(photo, folder_ / "out.png");
        ASSERT_TRUE(failure);
        EXPECT_THAT(failure->code, is_a_code_of_sizeguard) << failure->message;
        EXPECT_EQ(failure->element, "sizeguard");
    }

    /// Every picture of a folder, as `is_good` tells; `at_least` guards against an empty folder.
    void check_all(const fs::path &folder, std::size_t at_least,
                   const std::function<bool(const fs::path &)> &is_good, bool may_turn = false)
    {
        if (!fs::exists(folder))
            GTEST_SKIP() << folder << " is not installed";
        std::size_t seen = 0;
        for (const fs::directory_entry &entry : fs::recursive_directory_iterator(folder)) {
            const std::string extension = entry.path().extension();
            if (extension != ".png" && extension != ".jpg" && extension != ".jpeg" && extension != ".webp")
                continue;
            ++seen;
            if (is_good(entry.path()))
                comes_out(entry.path(), may_turn);
            else
                is_refused(entry.path());
        }
        EXPECT_GE(seen, at_least);
    }

    fs::path folder_ = fs::path(testing::TempDir()) / ("photo-" + std::to_string(getpid()));
};

/// Decodes a PNG with GStreamer's own decoder; rows of RGB, padded to four bytes.
Bytes pixels_of(const fs::path &png)
{
    Pipeline pipeline({"decode", "appsrc name=input ! pngdec ! videoconvert ! video/x-raw,format=RGB ! "
                                 "appsink name=output sync=false"});
    return pipeline.run(std::make_shared<const Bytes>(read_file(png))).output;
}

double mean_difference(const Bytes &a, const Bytes &b)
{
    double sum = 0;
    for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i)
        sum += std::abs(a[i] - b[i]);
    return a.size() == b.size() && !a.empty() ? sum / static_cast<double>(a.size()) : 255;
}

} // namespace

TEST_F(Photo, IsPainted)
{
    ASSERT_FALSE(paint(portrait, folder_ / "painted.png"));
    ASSERT_FALSE(paint(portrait, folder_ / "unpainted.png", 0));
    const double difference =
        mean_difference(pixels_of(folder_ / "painted.png"), pixels_of(folder_ / "unpainted.png"));
    EXPECT_GT(difference, 2) << "levels of 255";
    EXPECT_LT(difference, 80) << "levels of 255";
}

TEST_F(Photo, BecomesAJpeg)
{
    ASSERT_FALSE(paint(portrait, folder_ / "painted.jpg"));
    const std::vector<std::uint8_t> file = read_file(folder_ / "painted.jpg");
    EXPECT_TRUE(is_whole_jpeg(file));
    EXPECT_EQ(header_size(file), (Size{512, 600}));
}

TEST_F(Photo, PngSuite)
{
    check_all(png_suite, 174, [](const fs::path &p) { return p.parent_path().filename() != "corrupted"; });
}

TEST_F(Photo, GoexifCameraJpegs)
{
    // Most are the first kilobytes of a photo, cut off for their EXIF data.
    check_all(
        go_exif, 60, [](const fs::path &p) { return is_whole_jpeg(read_file(p)); }, true);
}

TEST_F(Photo, GoImageTestdata)
{
    // All pixels are there in four of them: one's zlib checksum is wrong, one's palette is too short, two
    // lack all or the last byte of their end chunk. Browsers show them. video-001.progressive.truncated.jpeg
    // has fewer scans, but ends as it should.
    const std::set<std::string> whole{"invalid-zlib.png", "invalid-palette.png", "invalid-noend.png",
                                      "invalid-trunc.png"};
    const auto is_good = [&](const fs::path &p) {
        const std::string name = p.filename();
        return !name.starts_with("invalid-") || whole.contains(name);
    };
    check_all(go_image(), 75, is_good);
}

TEST_F(Photo, GoWebp)
{
    const auto is_webp = [](const fs::path &p) { return p.extension() == ".webp"; };
    if (!fs::exists(go_x_image))
        GTEST_SKIP() << go_x_image << " is not installed";
    for (const fs::directory_entry &entry : fs::directory_iterator(go_x_image))
        if (is_webp(entry.path()))
            comes_out(entry.path());
}

TEST_F(Photo, IsTurnedUprightFromEveryExifOrientation)
{
    if (!fs::exists(go_imaging))
        GTEST_SKIP() << go_imaging << " is not installed";
    ASSERT_FALSE(paint(go_imaging / "orientation_0.jpg", folder_ / "upright.png", 0));
    const Bytes upright = pixels_of(folder_ / "upright.png");
    for (int orientation = 1; orientation <= 8; ++orientation) {
        const std::string name = "orientation_" + std::to_string(orientation);
        ASSERT_FALSE(paint(go_imaging / (name + ".jpg"), folder_ / (name + ".png"), 0)) << name;
        EXPECT_LT(mean_difference(pixels_of(folder_ / (name + ".png")), upright), 5) << name;
    }
}

TEST_F(Photo, ThatIsNoPictureIsRefused)
{
    const struct {
        const char *name;
        std::string content;
    } cases[] = {
        {"empty.jpg", ""},
        {"text.jpg", "This is no picture.\n"},
        {"page.png", "<!DOCTYPE html><html><body>no picture</body></html>"},
        {"drawing.svg", "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"9\" height=\"9\"/>"},
        {"start.jpg", std::string("\xff\xd8\xff", 3)},
    };
    for (const auto &[name, content] : cases) {
        std::ofstream(folder_ / name, std::ios::binary) << content;
        is_refused(folder_ / name);
    }
}

TEST_F(Photo, ThatIsMissingIsToldFromOneThatIsBroken)
{
    const std::optional<RunFailure> failure = paint(folder_ / "absent.jpg", folder_ / "out.png");
    ASSERT_TRUE(failure);
    EXPECT_EQ(failure->code, "resource-not-found");
}

TEST_F(Photo, IsPaintedInMemory)
{
    for (const auto &[name, media_type] : {std::pair{"web", "image/jpeg"}, {"web-png", "image/png"}}) {
        Pipeline pipeline(load_description(name));
        std::vector<std::string> announced;
        pipeline.on_message(
            [&](const GstStructure *fields) { announced.emplace_back(gst_structure_get_name(fields)); });
        const MemoryResult result = pipeline.run(std::make_shared<const Bytes>(read_file(portrait)));
        ASSERT_TRUE(result.ok()) << result.failure->message;
        EXPECT_EQ(result.media_type, media_type);
        EXPECT_EQ(header_size(result.output), (Size{512, 600}));
        EXPECT_THAT(announced, testing::UnorderedElementsAre("sizeguard", "facepaint", "animeganfilter"));
    }
}

TEST_F(Photo, IsPaintedByTheLineInTheReadme)
{
    std::string line = load_description("photo").text;
    line.erase(line.find_last_not_of('\n') + 1);
    for (const char *name : {"README.md", "README.zh-CN.md"}) {
        const std::vector<std::uint8_t> readme = read_file(fs::path(ANIME_SOURCE) / name);
        EXPECT_THAT(std::string(readme.begin(), readme.end()), testing::HasSubstr("gst-launch-1.0 " + line))
            << name;
    }
}

TEST_F(Photo, IsLetInByTheFormatsThatAreSet)
{
    const struct {
        const char *formats;
        const char *expected; // code
    } cases[] = {
        {"jpeg", "none"},          {"png+jpeg", "none"},        {"png+webp", "format-unsupported"},
        {"gif", "option-invalid"}, {"jpeg+", "option-invalid"}, {"", "option-invalid"},
    };
    for (const auto &[formats, expected] : cases) {
        Pipeline pipeline(load_description("web"));
        std::string code = "none";
        try {
            pipeline.set("guard", "formats", std::string(formats));
            const MemoryResult result = pipeline.run(std::make_shared<const Bytes>(read_file(portrait)));
            code = result.ok() ? "none" : result.failure->code;
        } catch (const PipelineError &error) {
            code = error.failure().code;
            EXPECT_EQ(error.failure().remedy, "It takes some of jpeg, png, webp, joined by +.");
        }
        EXPECT_EQ(code, expected) << formats;
    }
}

TEST_F(Photo, IsRefusedByItsLimitInTheDescription)
{
    Pipeline pipeline(load_description("photo"));
    pipeline.set("input", "location", portrait.string());
    pipeline.set("output", "location", (folder_ / "out.png").string());
    pipeline.set("guard", "max-source-pixels", std::int64_t{1000});
    const RunResult result = pipeline.run();
    ASSERT_FALSE(result.ok());
    EXPECT_EQ(result.failure->code, "size-pixels");
    EXPECT_EQ(result.failure->limit, 1000U);
    EXPECT_EQ(result.failure->actual, 512U * 600U);
}

} // namespace anime
