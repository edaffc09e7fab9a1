// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/pipelines/test_elements.h"

#include "elements/common/report.h"

#include <gst/base/gstbasetransform.h>

namespace anime::test
{

std::atomic<bool> release_blocked = false;
std::atomic<bool> blocked = false;
std::atomic<int> blocked_alive = 0;

namespace
{

using Handler = GstFlowReturn (*)(GstBaseTransform *, GstBuffer *);

GstFlowReturn complain(GstBaseTransform *self, GstBuffer *)
{
    GST_ELEMENT_ERROR(self, STREAM, FAILED, ("Internal data stream error."), (nullptr));
    Failure reason;
    reason.code = "test-reason";
    reason.message = "The test element has 3 of 2.";
    reason.remedy = "Use 2.";
    reason.limit = 2;
    reason.actual = 3;
    post_failure(GST_ELEMENT(self), reason);
    return GST_FLOW_ERROR;
}

GstFlowReturn announce(GstBaseTransform *self, GstBuffer *buffer)
{
    GstStructure *fields = gst_structure_new("test-announce", "size", G_TYPE_UINT64,
                                             guint64{gst_buffer_get_size(buffer)}, nullptr);
    gst_element_post_message(GST_ELEMENT(self), gst_message_new_element(GST_OBJECT(self), fields));
    return GST_FLOW_OK;
}

GstFlowReturn block(GstBaseTransform *, GstBuffer *)
{
    blocked = true;
    while (!release_blocked)
        g_usleep(1000);
    return GST_FLOW_OK;
}

void register_one(const char *name, const char *type_name, Handler handler)
{
    GTypeInfo info = {};
    info.class_size = sizeof(GstBaseTransformClass);
    info.instance_size = sizeof(GstBaseTransform);
    info.class_data = reinterpret_cast<gconstpointer>(handler);
    info.class_init = [](gpointer klass, gpointer data) {
        static GstStaticPadTemplate sink =
            GST_STATIC_PAD_TEMPLATE("sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS_ANY);
        static GstStaticPadTemplate src =
            GST_STATIC_PAD_TEMPLATE("src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS_ANY);
        auto *element_class = GST_ELEMENT_CLASS(klass);
        gst_element_class_add_static_pad_template(element_class, &sink);
        gst_element_class_add_static_pad_template(element_class, &src);
        gst_element_class_set_static_metadata(element_class, "Test", "Test", "Misbehaves", "gst-anime");
        GST_BASE_TRANSFORM_CLASS(klass)->transform_ip = reinterpret_cast<Handler>(data);
        if (reinterpret_cast<Handler>(data) == block)
            G_OBJECT_CLASS(klass)->finalize = [](GObject *object) {
                --blocked_alive;
                G_OBJECT_CLASS(g_type_class_peek(GST_TYPE_BASE_TRANSFORM))->finalize(object);
            };
    };
    if (handler == block)
        info.instance_init = [](GTypeInstance *, gpointer) { ++blocked_alive; };
    const GType type = g_type_register_static(GST_TYPE_BASE_TRANSFORM, type_name, &info, GTypeFlags(0));
    gst_element_register(nullptr, name, GST_RANK_NONE, type);
}

} // namespace

void register_test_elements()
{
    static const bool once = [] {
        register_one("test-complain", "AnimeTestComplain", complain);
        register_one("test-announce", "AnimeTestAnnounce", announce);
        register_one("test-block", "AnimeTestBlock", block);
        return true;
    }();
    (void)once;
}

} // namespace anime::test
