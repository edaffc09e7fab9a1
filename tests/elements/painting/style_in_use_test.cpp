// SPDX-License-Identifier: LGPL-2.1-or-later
// facepaint in front of animeganfilter: faces and frame have one style.
#include "elements/animeganfilter/gstanimeganfilter.h"
#include "elements/facepaint/gstfacepaint.h"
#include "tests/elements/element_fixture.h"
#include "tests/elements/facepaint/fake_detector.h"

#include <vector>

namespace anime
{
namespace
{

/// A bin with facepaint, another element that knows nothing of styles, and animeganfilter.
class StyleInUse : public ::testing::Test
{
protected:
    static void SetUpTestSuite()
    {
        GST_ELEMENT_REGISTER(facepaint, nullptr);
        GST_ELEMENT_REGISTER(animeganfilter, nullptr);
    }

    void SetUp() override
    {
        bin_.reset(GST_ELEMENT(gst_object_ref_sink(gst_bin_new(nullptr))));
        faces_ = gst_element_factory_make("facepaint", nullptr);
        filter_ = gst_element_factory_make("animeganfilter", nullptr);
        GstElement *between = gst_element_factory_make("identity", nullptr);
        gst_bin_add_many(GST_BIN(bin_.get()), faces_, between, filter_, nullptr);
        ASSERT_TRUE(gst_element_link_many(faces_, between, filter_, nullptr));
        add_ghost("sink", faces_);
        add_ghost("src", filter_);

        FaceParts parts;
        parts.open_painter = [this](const PaintSettings &settings) {
            opened_.push_back(settings);
            return flat_painter({1, 2, 3}, settings.model.c_str());
        };
        parts.make_detector = [] { return std::make_unique<FakeDetector>(std::make_shared<Finding>()); };
        set_face_parts(faces_, parts);
        set_painter_opener(filter_, [](const PaintSettings &settings) {
            return flat_painter({1, 2, 3}, settings.model.c_str());
        });
        for (const auto &[name, value] : {std::pair{"model", "hayao"},
                                          {"executor", "torch"},
                                          {"device", "cuda:1"},
                                          {"precision", "bf16"},
                                          {"threads", "3"},
                                          {"frames-in-flight", "2"}})
            gst_util_set_object_arg(G_OBJECT(filter_), name, value);
    }
    void TearDown() override
    {
        harness_.reset();
        gst_element_set_state(bin_.get(), GST_STATE_NULL);
    }

    void add_ghost(const char *name, GstElement *element)
    {
        const PadPtr pad(gst_element_get_static_pad(element, name));
        gst_element_add_pad(bin_.get(), gst_ghost_pad_new(name, pad.get()));
    }
    void start()
    {
        harness_.reset(gst_harness_new_with_element(bin_.get(), "sink", "src"));
        gst_harness_set_src_caps_str(harness_.get(),
                                     "video/x-raw,format=RGB,width=4,height=4,framerate=25/1");
    }
    void push_frame()
    {
        GstBuffer *buffer = gst_buffer_new_allocate(nullptr, 48, nullptr);
        gst_buffer_memset(buffer, 0, 100, 48);
        EXPECT_EQ(gst_harness_push(harness_.get(), buffer), GST_FLOW_OK);
    }

    ElementPtr bin_;
    GstElement *faces_ = nullptr;
    GstElement *filter_ = nullptr;
    HarnessPtr harness_;
    std::vector<PaintSettings> opened_; ///< by facepaint
};

// One model in memory for both, and loaded once.
TEST_F(StyleInUse, FacepaintTakesWhatAnimeganfilterPaintsWith)
{
    start();
    push_frame();
    EXPECT_EQ(opened_, (std::vector<PaintSettings>{{"hayao", "torch", "cuda:1", "bf16", 3, 2}}));
}

TEST_F(StyleInUse, FacepaintFollowsAChange)
{
    start();
    push_frame();
    g_object_set(filter_, "model", "paprika", nullptr);
    push_frame();
    push_frame();
    ASSERT_EQ(opened_.size(), 2U);
    EXPECT_EQ(opened_[1], (PaintSettings{"paprika", "torch", "cuda:1", "bf16", 3, 2}));
}

TEST_F(StyleInUse, WhatFacepaintIsToldItKeeps)
{
    gst_util_set_object_arg(G_OBJECT(faces_), "device", "cpu");
    gst_util_set_object_arg(G_OBJECT(faces_), "precision", "f32");
    start();
    push_frame();
    g_object_set(faces_, "model", "shinkai", nullptr);
    push_frame();
    ASSERT_EQ(opened_.size(), 2U);
    EXPECT_EQ(opened_[0], (PaintSettings{"hayao", "torch", "cpu", "f32", 3, 2}));
    EXPECT_EQ(opened_[1].model, "shinkai");
    // No name at all is the default again.
    g_object_set(faces_, "model", nullptr, nullptr);
    push_frame();
    ASSERT_EQ(opened_.size(), 3U);
    EXPECT_EQ(opened_[2].model, "hayao");
}

// Nothing of the other's is taken where the model is one of its own.
TEST_F(StyleInUse, AModelOfItsOwnHasSettingsOfItsOwn)
{
    g_object_set(faces_, "model", "shinkai", nullptr);
    start();
    push_frame();
    EXPECT_EQ(opened_, (std::vector<PaintSettings>{{.model = "shinkai"}}));
}

} // namespace
} // namespace anime
