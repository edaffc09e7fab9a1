// SPDX-License-Identifier: LGPL-2.1-or-later
// One facepaint with a detector and painters that a test brings, in a GstHarness.
#pragma once

#include "elements/facepaint/gstfacepaint.h"
#include "fake_detector.h"
#include "test_picture.h"
#include "tests/elements/element_fixture.h"

#include <gst/video/video.h>

#include <cmath>
#include <memory>
#include <vector>

namespace anime
{

class FixedLandmarks final : public LandmarkPredictor
{
public:
    std::vector<Point> predict(const ConstImage &, const Face &) const override
    {
        return std::vector<Point>(68, Point{3, 4});
    }
};

class Facepaint : public ElementTest
{
protected:
    Facepaint() : ElementTest("facepaint") {}

    static void SetUpTestSuite() { GST_ELEMENT_REGISTER(facepaint, nullptr); }

    /// Turns light and dark around; after the colour match, a two-coloured face has its colours swapped.
    static std::shared_ptr<FakePainter> inverting(int face_size = 32)
    {
        return std::make_shared<FakePainter>(
            [](const std::uint8_t *p) {
                return Colour{std::uint8_t(255 - p[0]), std::uint8_t(255 - p[1]), std::uint8_t(255 - p[2])};
            },
            "inverting", face_size);
    }

    FaceParts parts(std::shared_ptr<Painter> painter)
    {
        FaceParts parts;
        parts.open_painter = [painter](const PaintSettings &) { return painter; };
        parts.make_detector = [finding = finding_] { return std::make_unique<FakeDetector>(finding); };
        parts.load_predictor = [] { return std::make_shared<FixedLandmarks>(); };
        return parts;
    }
    void use(std::shared_ptr<Painter> painter) { set_face_parts(element_.get(), parts(painter)); }

    /// Dark on the left of x = 50, light on the right; alpha is a texture.
    static int halves(int x, int y, int c) { return c == 3 ? texture(x, y, c) : x < 50 ? 60 : 100; }
    /// What is left of it where a face at (34, 34) with a side of 32 has been painted: the middle of the face
    /// is swapped, outside of it nothing changes, between them lies the soft edge.
    void expect_painted(const BufferPtr &buffer)
    {
        const MappedFrame mapped(info_, buffer.get(), GST_MAP_READ);
        const auto at = [&](int x, int y, int c) {
            return mapped.data()[y * mapped.stride() + x * mapped.pixel_stride() + c];
        };
        for (int y = 0; y < mapped.height(); ++y) {
            for (int x = 0; x < mapped.width(); ++x) {
                const double distance = std::hypot(x + 0.5 - 50, y + 0.5 - 50);
                for (int c = 0; c < mapped.pixel_stride(); ++c) {
                    const bool outside = distance >= 16 || c == 3;
                    const int before = halves(x, y, c);
                    if (outside || distance < 7) {
                        ASSERT_EQ(at(x, y, c), outside ? before : 160 - before) << x << ',' << y << ',' << c;
                    }
                }
            }
        }
    }

    /// Downstream says that it blends overlays.
    void take_overlays()
    {
        gst_harness_add_propose_allocation_meta(harness_.get(), GST_VIDEO_OVERLAY_COMPOSITION_META_API_TYPE,
                                                nullptr);
    }

    static std::size_t regions(const BufferPtr &buffer)
    {
        return gst_buffer_get_n_meta(buffer.get(), GST_VIDEO_REGION_OF_INTEREST_META_API_TYPE);
    }

    std::shared_ptr<Finding> finding_ = std::make_shared<Finding>();
};

} // namespace anime
