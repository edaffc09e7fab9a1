// SPDX-License-Identifier: LGPL-2.1-or-later
// animeganfilter with real model files and the real executor.
#include "filter_fixture.h"

#include "elements/animeganfilter/tone.h"
#include "models/model.h"
#include "models/weights/catalogue.h"
#include "models/weights/embedded.h"
#include "tests/models/temporary_folder.h"
#include "tests/models/tiny_models.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <limits>
#include <thread>

namespace anime
{
namespace
{

class Models : public FilterTest
{
protected:
    double paint_scene();
    static bool is_embedded(const std::string &name)
    {
        const auto styles = embedded_models();
        return std::any_of(styles.begin(), styles.end(),
                           [&](const auto &style) { return style.name == name; });
    }
    std::string write(const Safetensors &model)
    {
        const auto path = folder_.path() / ("model" + std::to_string(++files_) + ".safetensors");
        write_safetensors(path, model);
        return path.string();
    }
    std::string write(const std::string &bytes)
    {
        const auto path = folder_.path() / ("model" + std::to_string(++files_) + ".safetensors");
        std::ofstream(path, std::ios::binary) << bytes;
        return path.string();
    }
    void set_model(const std::string &model)
    {
        g_object_set(element_.get(), "model", model.c_str(), "precision", 1 /* f32 */, nullptr);
    }

    test::TemporaryFolder folder_;
    int files_ = 0;
};

std::string whole_file(const std::string &path)
{
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

/// A lite model with one weight changed by `change`.
template <typename Change>
Safetensors broken_model(Change change)
{
    Safetensors model = test::lite_model();
    auto &[name, weight] = *model.tensors.begin();
    Weight copy = *weight;
    change(copy);
    weight = std::make_shared<const Weight>(std::move(copy));
    return model;
}

TEST_F(Models, FilesThatAreNoModelFailToStart)
{
    const std::string whole = whole_file(write(test::lite_model()));
    struct Case {
        const char *what;
        std::string model;
        const char *code;
    };
    const Case cases[] = {
        {"a name that nobody knows", "no-such-style", "model-missing"},
        {"a path where nothing is", (folder_.path() / "none.safetensors").string(), "model-missing"},
        {"an empty file", write(std::string()), "model-invalid"},
        {"cut in the header", write(whole.substr(0, 20)), "model-invalid"},
        {"cut in the weights", write(whole.substr(0, whole.size() - 1)), "model-invalid"},
        {"a text", write(std::string("This is not a model, but a sentence.")), "model-invalid"},
        {"a weight of another shape", write(broken_model([](Weight &w) {
             w.shape.back() += 1;
             w.data.resize(w.data.size() / (w.shape.back() - 1) * w.shape.back());
         })),
         "model-invalid"},
        {"a weight that is no number",
         write(broken_model([](Weight &w) { w.data[0] = std::numeric_limits<float>::quiet_NaN(); })),
         "model-invalid"},
        {"an architecture of the future",
         [this] {
             Safetensors model = test::lite_model();
             model.metadata["architecture"] = "diffusion";
             return write(model);
         }(),
         "model-unsupported"},
    };
    for (const Case &c : cases) {
        SCOPED_TRACE(c.what);
        // A model that can't be read as a graph may be TorchScript, which only libtorch can tell.
        gst_util_set_object_arg(G_OBJECT(element_.get()), "executor", "onednn");
        set_model(c.model);
        EXPECT_EQ(gst_element_set_state(element_.get(), GST_STATE_PAUSED), GST_STATE_CHANGE_FAILURE);
        EXPECT_EQ(pop_error().code, c.code);
        gst_element_set_state(element_.get(), GST_STATE_NULL);
    }
}

TEST_F(Models, AFileThatBecomesInvalidWhilePlayingEndsTheStream)
{
    set_model(write(test::lite_model()));
    start(16, 16);
    EXPECT_EQ(push(flat_frame(100)), GST_FLOW_OK);
    set_model(write(std::string("no model")));
    EXPECT_EQ(push(flat_frame(100)), GST_FLOW_ERROR);
    EXPECT_EQ(pop_error().code, "model-invalid");
}

// What comes out is what the reference interpreter paints, to the level.
TEST_F(Models, FramesArePaintedByTheModel)
{
    const int width = 48;
    const int height = 32;
    const std::string path = write(test::lite_model());
    const auto level = [](float value) {
        return static_cast<int>(std::lround(std::clamp((value + 1) * 127.5F, 0.0F, 255.0F)));
    };
    const Planes planes = test::picture(height, width);
    Planes photo = planes;
    for (float &value : photo.data)
        value = static_cast<float>(level(value)) / 127.5F - 1;
    const Planes expected = run_reference(load_model(path)->graph, photo);

    set_model(path);
    start(width, height, "RGBA");
    const BufferPtr out =
        through(frame([&](int x, int y, int c) { return c == 3 ? x + y : level(planes.at(c, y, x)); }));
    const MappedFrame mapped(info_, out.get(), GST_MAP_READ);
    for (int y = 0; y < height; ++y) {
        for (int x = 0; x < width; ++x) {
            const guint8 *pixel = mapped.data() + y * mapped.stride() + x * 4;
            for (int c = 0; c < 3; ++c)
                ASSERT_NEAR(pixel[c], level(expected.at(c, y, x)), 1) << x << "," << y << "," << c;
            ASSERT_EQ(pixel[3], x + y);
        }
    }
}

TEST_F(Models, AnySizeIsPainted)
{
    set_model(write(test::lite_model()));
    start();
    for (const auto &[width, height] :
         {std::pair{1, 1}, {1, 7}, {3, 5}, {17, 33}, {16, 16}, {101, 67}, {64, 2}}) {
        SCOPED_TRACE(std::to_string(width) + "x" + std::to_string(height));
        set_caps(width, height);
        const BufferPtr once = through(flat_frame(100));
        const BufferPtr again = through(flat_frame(100));
        const MappedFrame mapped(info_, once.get(), GST_MAP_READ);
        ASSERT_TRUE(mapped);
        EXPECT_EQ(differences(again, [&](int x, int y,
                                         int c) { return mapped.data()[y * mapped.stride() + 3 * x + c]; }),
                  0)
            << "the same photo becomes the same picture";
    }
}

/// Alpha stays, and most of the picture is painted: a sky, an edge and a texture. Returns how far the
/// painting's light is from the picture's, in levels.
double Models::paint_scene()
{
    gst_util_set_object_arg(G_OBJECT(element_.get()), "match-tone", "auto"); // which the fixture turns off
    start(131, 97, "RGBA");
    const auto photo = [](int x, int y, int c) {
        if (c == 3)
            return x + y;
        const bool sky = y < 40;
        return sky ? 120 + 40 * c : 90 + (x * y) % 60 - 20 * c;
    };
    const BufferPtr in = frame(photo);
    const BufferPtr out = through(BufferPtr(gst_buffer_ref(in.get())));

    const MappedFrame before(info_, in.get(), GST_MAP_READ);
    const MappedFrame after(info_, out.get(), GST_MAP_READ);
    const auto image = [](const MappedFrame &mapped) {
        return ConstImage{mapped.data(), mapped.width(), mapped.height(), mapped.stride(),
                          mapped.pixel_stride()};
    };
    int alpha_changed = 0;
    int painted = 0;
    for (int y = 0; y < 97; ++y) {
        for (int x = 0; x < 131; ++x) {
            const std::uint8_t *from = image(before).at(x, y);
            const std::uint8_t *to = image(after).at(x, y);
            alpha_changed += from[3] != to[3];
            painted += std::abs(from[1] - to[1]) > 4;
        }
    }
    EXPECT_EQ(alpha_changed, 0);
    EXPECT_GT(painted, 131 * 97 / 10) << "it is another picture";
    return distance(count_luma(image(after)), count_luma(image(before)));
}

// What an element without any property does.
TEST_F(Models, TheEmbeddedDefaultPaints)
{
    if (!is_embedded(default_style()))
        GTEST_SKIP() << "this build has no style '" << default_style() << "'";
    EXPECT_GT(paint_scene(), 0) << "it grades for itself";
}

// Not what a style makes of the light counts where it does not grade for itself, but the photo's.
TEST_F(Models, AnEmbeddedStyleGetsThePicturesLight)
{
    if (!is_embedded("hayao"))
        GTEST_SKIP() << "this build has no style 'hayao'";
    g_object_set(element_.get(), "model", "hayao", nullptr);
    EXPECT_LT(paint_scene(), 3) << "levels from its light";
}

// 400 GMAC take longer than a third of a second. Should the frame not be in work by then, the answer is the
// same.
TEST_F(Models, StoppingInTheMiddleOfAPictureEndsIt)
{
    set_model(write(test::animeganv2_model()));
    start(1024, 1024);
    std::thread pushing([this] {
        const GstFlowReturn flow = push(flat_frame(100));
        EXPECT_EQ(flow, GST_FLOW_FLUSHING);
    });
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    gst_element_set_state(element_.get(), GST_STATE_NULL);
    pushing.join();
    EXPECT_FALSE(pop(GST_MESSAGE_ERROR));
}

} // namespace
} // namespace anime
