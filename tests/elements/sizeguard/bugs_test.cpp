// SPDX-License-Identifier: LGPL-2.1-or-later
// Files after public reports, which lie beside the checkout where there are any, through the element.
#include "tests/elements/sizeguard/sizeguard_fixture.h"

#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace fs = std::filesystem;

namespace anime::test
{

namespace
{

const fs::path FOLDER = fs::path(SHARED) / "bugs";

struct Frame {
    int width = 0;
    int height = 0;
    int pixel = 0;
    Data pixels; ///< without padding

    std::array<int, 4> at(int x, int y) const
    {
        const std::uint8_t *p = &pixels[static_cast<std::size_t>((y * width + x) * pixel)];
        return {p[0], p[1], p[2], pixel == 4 ? p[3] : 255};
    }
};

class Reported : public Sizeguard
{
protected:
    Reported() { g_object_set(element_.get(), "max-bytes", guint64{0}, "max-dimension", 0u, nullptr); }

    /// What the element makes of the file; without pixels where it refuses.
    Frame decode(const std::string &name)
    {
        std::ifstream file(FOLDER / name, std::ios::binary);
        const Data data{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
        EXPECT_FALSE(data.empty()) << name;
        start();
        push(data);
        end();
        Frame frame;
        if (const BufferPtr buffer = pull()) {
            const PadPtr pad(gst_element_get_static_pad(element_.get(), "src"));
            const CapsPtr caps(gst_pad_get_current_caps(pad.get()));
            GstVideoInfo info;
            gst_video_info_from_caps(&info, caps.get());
            const MappedFrame mapped(info, buffer.get(), GST_MAP_READ);
            frame.width = mapped.width();
            frame.height = mapped.height();
            frame.pixel = mapped.pixel_stride();
            for (int y = 0; y < frame.height; ++y) {
                const guint8 *line = mapped.data() + y * mapped.stride();
                frame.pixels.insert(frame.pixels.end(), line, line + frame.width * frame.pixel);
            }
        }
        gst_element_set_state(element_.get(), GST_STATE_READY);
        return frame;
    }

    static double difference(const Frame &a, const Frame &b)
    {
        if (a.pixels.empty() || a.width != b.width || a.height != b.height || a.pixel != b.pixel)
            return 255;
        double sum = 0;
        for (std::size_t i = 0; i < a.pixels.size(); ++i)
            sum += std::abs(a.pixels[i] - b.pixels[i]);
        return sum / static_cast<double>(a.pixels.size());
    }
};

} // namespace

TEST_F(Reported, FilesComeOutAsTheyShould)
{
    if (!fs::exists(FOLDER))
        GTEST_SKIP() << FOLDER << " is not there";
    const Frame upright = decode("upright.png");
    const Frame cmyk = decode("jpeg-cmyk-adobe-same-picture.jpg");
    const std::pair<const char *, const Frame *> same[] = {
        {"jpeg-no-eoi.jpg", &upright},           {"jpeg-no-eoi-phone-trailer.jpg", &upright},
        {"jpeg-ycc-ids-1-2-2.jpg", &upright},    {"png-gama-linear.png", &upright},
        {"png-no-iend.png", &upright},           {"png-data-after-iend.png", &upright},
        {"jpeg-rgb-ids-no-adobe.jpg", &upright}, {"jpeg-cmyk-ids-1-1-2-3.jpg", &cmyk},
    };
    for (const auto &[name, expected] : same)
        EXPECT_LE(difference(decode(name), *expected), 3) << name;

    for (const char *name : {"jpeg-exif-orientation-long.jpg", "webp-two-exif.webp",
                             "webp-unknown-odd-chunk-then-exif.webp", "jpeg-exif-out-of-order.jpg"}) {
        const Frame turned = decode(name);
        EXPECT_EQ(turned.width, 64) << name;
        EXPECT_EQ(turned.height, 96) << name;
    }
    const std::array<int, 4> corner = decode("jpeg-exif-orientation-long.jpg").at(60, 4);
    EXPECT_GT(corner[0], 200);
    EXPECT_LT(corner[1], 60);

    const Frame alpha = decode("png-rgba16-iccp.png");
    constexpr std::array ALPHA{0, 32, 64, 97, 129, 161, 194, 226};
    ASSERT_EQ(alpha.pixel, 4);
    for (int i = 0; i < 8; ++i)
        EXPECT_NEAR(alpha.at(12 * i, 30)[3], ALPHA[static_cast<std::size_t>(i)], 1) << i;

    const std::array<int, 4> swapped = decode("jpeg-icc-a2b0-only.jpg").at(4, 4);
    EXPECT_LT(swapped[0], 100);
    EXPECT_GT(swapped[1], 150);
    EXPECT_EQ(error_code(), "");
}

TEST_F(Reported, AnHeicIsCalledByItsName)
{
    if (!fs::exists(FOLDER))
        GTEST_SKIP() << FOLDER << " is not there";
    EXPECT_TRUE(decode("heif-brand-hevc.heic").pixels.empty());
    const MessagePtr message = pop(GST_MESSAGE_ERROR);
    ASSERT_TRUE(message);
    GError *raw;
    gst_message_parse_error(message.get(), &raw, nullptr);
    const ErrorPtr error(raw);
    EXPECT_TRUE(has(error->message, "HEIC")) << error->message;
    const GstStructure *details;
    gst_message_parse_error_details(message.get(), &details);
    EXPECT_STREQ(gst_structure_get_string(details, "code"), "format-unsupported");
    EXPECT_TRUE(has(gst_structure_get_string(details, "remedy"), "Most Compatible"));
}

} // namespace anime::test
