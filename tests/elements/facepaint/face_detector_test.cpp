// SPDX-License-Identifier: LGPL-2.1-or-later
// What the detector and the landmark predictor find on real photos, and what they cost.
#include "elements/facepaint/face_detector.h"
#include "elements/facepaint/landmarks.h"
#include "fake_detector.h"
#include "models/error.h"
#include "test_picture.h"

#include <gtest/gtest.h>
#include <vips/vips.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <tuple>

namespace anime
{
namespace
{

const std::string grace_hopper = "/usr/share/matplotlib/mpl-data/sample_data/grace_hopper.jpg";
const std::string skimage = "/usr/lib/python3/dist-packages/skimage/data/";
const std::string sklearn = "/usr/lib/python3/dist-packages/sklearn/datasets/images/";
const std::string shared_faces = ANIME_SOURCE_ROOT "/../shared/photos/faces/";

struct FreeVips {
    void operator()(VipsImage *image) const { g_object_unref(image); }
    void operator()(void *memory) const { g_free(memory); }
};
using VipsPtr = std::unique_ptr<VipsImage, FreeVips>;

/// A photo as RGB.
class Photo
{
public:
    explicit Photo(const std::string &path)
    {
        static const int started = vips_init("face_detector_test");
        EXPECT_EQ(started, 0);
        const VipsPtr file(vips_image_new_from_file(path.c_str(), nullptr));
        VipsImage *rgb = nullptr;
        if (!file || vips_colourspace(file.get(), &rgb, VIPS_INTERPRETATION_sRGB, nullptr) != 0)
            throw std::runtime_error(path + ": " + vips_error_buffer());
        const VipsPtr owned(rgb);
        std::size_t size = 0;
        pixels_.reset(vips_image_write_to_memory(rgb, &size));
        view_ = {static_cast<const std::uint8_t *>(pixels_.get()), rgb->Xsize, rgb->Ysize,
                 std::ptrdiff_t{rgb->Xsize} * rgb->Bands, rgb->Bands};
    }
    const ConstImage &view() const { return view_; }

private:
    std::unique_ptr<void, FreeVips> pixels_;
    ConstImage view_;
};

std::vector<Face> detect(const ConstImage &frame, const DetectionLimits &limits = {})
{
    return make_hog_detector()->detect(frame, limits);
}

#define SKIP_WITHOUT(path, hint)                                                                             \
    if (!std::filesystem::exists(path))                                                                      \
    GTEST_SKIP() << (path) << " is missing: " << (hint)

TEST(WorkingSize, FollowsTheSmallestFaceAndTheBudget)
{
    struct Case {
        int width, height;
        DetectionLimits limits;
        WorkingSize expected;
    };
    const Case cases[] = {
        {512, 600, {40, 2'000'000}, {1024, 1200}}, // 40 pixels become the detector's 80
        {512, 600, {80, 2'000'000}, {512, 600}},
        {512, 600, {160, 2'000'000}, {256, 300}},
        {512, 600, {1, 2'000'000}, {1024, 1200}}, // enlarging further shows nothing new
        {2000, 2000, {80, 1'000'000}, {1000, 1000}},
        {512, 600, {320, 2'000'000}, {128, 150}},
        {512, 600, {800, 2'000'000}, {0, 0}}, // no such face fits
        {1, 1, {40, 2'000'000}, {0, 0}},
        {31, 5000, {40, 2'000'000}, {0, 0}},
        {65535, 65535, {40, 10'000}, {100, 100}},
        {65535, 1, {40, 2'000'000}, {0, 0}},
    };
    for (const Case &c : cases)
        EXPECT_EQ(working_size(c.width, c.height, c.limits), c.expected) << c.width << 'x' << c.height;
}

TEST(FaceDetector, FindsThePortrait)
{
    SKIP_WITHOUT(grace_hopper, "install python-matplotlib-data");
    const Photo photo(grace_hopper);
    for (const int min_face_size : {40, 80}) {
        const std::vector<Face> faces = detect(photo.view(), {min_face_size, 2'000'000});
        ASSERT_EQ(faces.size(), 1u);
        EXPECT_NEAR(faces[0].centre().x, 275, 20);
        EXPECT_NEAR(faces[0].centre().y, 240, 20);
        EXPECT_GT(faces[0].width, 100);
        EXPECT_LT(faces[0].width, 260);
    }
}

TEST(FaceDetector, FindsTheAstronaut)
{
    SKIP_WITHOUT(skimage + "astronaut.png", "install python3-skimage");
    const std::vector<Face> faces = detect(Photo(skimage + "astronaut.png").view());
    ASSERT_FALSE(faces.empty());
    EXPECT_NEAR(faces[0].centre().x, 225, 25);
    EXPECT_NEAR(faces[0].centre().y, 115, 30);
}

TEST(FaceDetector, FindsNoneWhereThereIsNone)
{
    const TestPicture grey(300, 200, 3, [](int, int, int) { return 128; });
    EXPECT_TRUE(detect(grey.view()).empty());
    const TestPicture noise(300, 200, 4, texture);
    EXPECT_TRUE(detect(noise.view()).empty());
}

TEST(FaceDetector, FindsNoneOnFoodAndCats)
{
    SKIP_WITHOUT(skimage + "coffee.png", "install python3-skimage");
    EXPECT_TRUE(detect(Photo(skimage + "coffee.png").view()).empty());
    EXPECT_TRUE(detect(Photo(skimage + "chelsea.png").view()).empty());
}

TEST(FaceDetector, FindsNoneOnLandscapesAndFlowers)
{
    SKIP_WITHOUT(sklearn + "china.jpg", "install python3-sklearn");
    EXPECT_TRUE(detect(Photo(sklearn + "china.jpg").view()).empty());
    EXPECT_TRUE(detect(Photo(sklearn + "flower.jpg").view()).empty());
}

// The box is in the frame's pixels whatever the working size.
TEST(FaceDetector, BoxesDoNotDependOnTheWorkingSize)
{
    SKIP_WITHOUT(grace_hopper, "install python-matplotlib-data");
    const Photo photo(grace_hopper);
    for (const std::uint64_t max_pixels : {100'000u, 307'200u, 1'000'000u, 2'000'000u}) {
        const std::vector<Face> faces = detect(photo.view(), {40, max_pixels});
        ASSERT_EQ(faces.size(), 1u) << max_pixels;
        EXPECT_NEAR(faces[0].centre().x, 275, 20) << max_pixels;
        EXPECT_NEAR(faces[0].centre().y, 240, 20) << max_pixels;
    }
}

// Neither a fourth byte nor a gap between rows is taken for a pixel.
TEST(FaceDetector, ReadsRgbaWithGaps)
{
    SKIP_WITHOUT(grace_hopper, "install python-matplotlib-data");
    const Photo photo(grace_hopper);
    const TestPicture rgba(photo.view().width, photo.view().height, 4, [&](int x, int y, int c) {
        return c < 3 ? photo.view().at(x, y)[c] : texture(x, y, c);
    });
    const std::vector<Face> expected = detect(photo.view());
    const std::vector<Face> faces = detect(rgba.view());
    ASSERT_EQ(faces.size(), expected.size());
    for (std::size_t i = 0; i < faces.size(); ++i)
        EXPECT_EQ(faces[i].x, expected[i].x);
}

// A known face is found again where it is, and where it has gone meanwhile, within the detector's grid (a
// tenth of a face, a sixth of its size).
TEST(FaceDetector, FollowsAFace)
{
    SKIP_WITHOUT(grace_hopper, "install python-matplotlib-data");
    const Photo photo(grace_hopper);
    const std::vector<Face> faces = detect(photo.view());
    ASSERT_EQ(faces.size(), 1u);
    const Face &face = faces[0];
    const auto detector = make_hog_detector();
    for (const auto &[right, down, larger] :
         {std::tuple{0., 0., 1.}, {.3, 0., 1.}, {-.2, .3, 1.}, {0., 0., 1.15}, {0., 0., .87}}) {
        const double side = face.width * larger;
        const Face known = face_at(face.centre().x - side / 2 + right * side,
                                   face.centre().y - side / 2 + down * side, side);
        const std::optional<Face> found = detector->follow(photo.view(), known);
        ASSERT_TRUE(found) << right << ' ' << down << ' ' << larger;
        EXPECT_NEAR(found->centre().x, face.centre().x, 0.12 * face.width)
            << right << ' ' << down << ' ' << larger;
        EXPECT_NEAR(found->centre().y, face.centre().y, 0.12 * face.width)
            << right << ' ' << down << ' ' << larger;
        EXPECT_NEAR(found->width, face.width, 0.18 * face.width) << right << ' ' << down << ' ' << larger;
    }
    EXPECT_FALSE(detector->follow(photo.view(), face_at(0, 0, 60))) << "there is none";
    EXPECT_FALSE(detector->follow(photo.view(), face_at(-500, -500, 60))) << "nothing of it is inside";
}

// No size is too small to be looked at; nothing can be found below the window's size.
TEST(FaceDetector, AcceptsAnySize)
{
    const auto detector = make_hog_detector();
    for (int side = 1; side < 90; side += side < 12 ? 1 : 7) {
        for (const int other : {side, 1, 90}) {
            const TestPicture frame(side, other, 3, texture);
            EXPECT_NO_THROW(detector->detect(frame.view(), {})) << side << 'x' << other;
            EXPECT_NO_THROW(detector->follow(frame.view(), face_at(0, 0, side))) << side << 'x' << other;
        }
    }
}

// Group photos: at least these many faces, and at most two that are none.
TEST(FaceDetector, FindsGroups)
{
    SKIP_WITHOUT(shared_faces, "the shared photos are not beside this checkout");
    struct Case {
        const char *name;
        std::size_t at_least, at_most;
    };
    const Case cases[] = {
        {"dlib-2007_007763.jpg", 7, 7}, {"dlib-2008_001009.jpg", 2, 3}, {"dlib-2008_002079.jpg", 5, 7},
        {"dlib-2008_004176.jpg", 6, 8}, {"dlib-bald_guys.jpg", 22, 26}, {"portrait-1.jpg", 1, 1},
        {"portrait-2.jpg", 1, 1},       {"portrait-3.jpg", 1, 1},       {"portrait-4.jpg", 1, 1},
    };
    for (const Case &c : cases) {
        const std::size_t found = detect(Photo(shared_faces + c.name).view()).size();
        EXPECT_GE(found, c.at_least) << c.name;
        EXPECT_LE(found, c.at_most) << c.name;
    }
}

TEST(Landmarks, AreWhereThePortraitHasThem)
{
    SKIP_WITHOUT(grace_hopper, "install python-matplotlib-data");
    SKIP_WITHOUT(default_predictor_path, "install libdlib-data");
    const Photo photo(grace_hopper);
    const std::vector<Face> faces = detect(photo.view());
    ASSERT_EQ(faces.size(), 1u);
    const auto predictor = load_landmark_predictor(default_predictor_path);
    const std::vector<Point> points = predictor->predict(photo.view(), faces[0]);
    ASSERT_EQ(points.size(), 68u);
    EXPECT_LT(std::abs(eye_angle(points)), 0.2) << "she holds her head nearly upright";
    EXPECT_LT(points[36].x, points[45].x);
    EXPECT_LT(points[36].y, points[8].y) << "the eyes are above the chin";
    EXPECT_EQ(load_landmark_predictor(default_predictor_path), predictor) << "loaded once";
}

TEST(Landmarks, OfAFaceBesideTheFrameAreNone)
{
    SKIP_WITHOUT(default_predictor_path, "install libdlib-data");
    const TestPicture frame(50, 50, 3, texture);
    const auto predictor = load_landmark_predictor(default_predictor_path);
    EXPECT_TRUE(predictor->predict(frame.view(), face_at(200, 200, 40)).empty());
    EXPECT_EQ(predictor->predict(frame.view(), face_at(30, 30, 40)).size(), 68u) << "half of it is inside";
}

TEST(Landmarks, ABadFileIsNamed)
{
    struct Case {
        const char *content;
        const char *code;
    };
    const std::string path = ::testing::TempDir() + "/predictor.dat";
    for (const Case &c : {Case{nullptr, "model-missing"}, Case{"", "model-invalid"},
                          Case{"not a predictor at all", "model-invalid"}}) {
        std::filesystem::remove(path);
        if (c.content)
            std::ofstream(path) << c.content;
        try {
            load_landmark_predictor(path);
            FAIL() << c.code;
        } catch (const Error &error) {
            EXPECT_EQ(error.code(), c.code);
            EXPECT_NE(std::string(error.what()).find(path), std::string::npos);
            EXPECT_FALSE(error.remedy().empty());
        }
    }
    std::filesystem::remove(path);
}

} // namespace
} // namespace anime
