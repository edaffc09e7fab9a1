// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/painting/style_in_use.h"

#include "elements/common/gst_raii.h"

#include <utility>

namespace anime
{

namespace
{

constexpr const char *query_name = "anime-style-in-use";

void fill(std::string &setting, const std::string &open, const GstStructure *answer, const char *field)
{
    const gchar *value = gst_structure_get_string(answer, field);
    if (value && setting == open)
        setting = value;
}

/// The answer of the next animeganfilter; null if there is none.
QueryPtr ask(GstPad *src)
{
    QueryPtr query(gst_query_new_custom(GST_QUERY_CUSTOM, gst_structure_new_empty(query_name)));
    return gst_pad_peer_query(src, query.get()) ? std::move(query) : nullptr;
}

} // namespace

PaintSettings follow_style_in_use(GstPad *src, PaintSettings wanted)
{
    if (wanted.model != style_in_use)
        return wanted;
    const PaintSettings defaults;
    if (const QueryPtr query = ask(src)) {
        const GstStructure *answer = gst_query_get_structure(query.get());
        fill(wanted.model, style_in_use, answer, "model");
        fill(wanted.executor, defaults.executor, answer, "executor");
        fill(wanted.device, defaults.device, answer, "device");
        fill(wanted.precision, defaults.precision, answer, "precision");
        if (wanted.threads == defaults.threads)
            gst_structure_get_uint(answer, "threads", &wanted.threads);
        if (wanted.pictures == defaults.pictures)
            gst_structure_get_uint(answer, "pictures", &wanted.pictures);
    }
    if (wanted.model == style_in_use)
        wanted.model = defaults.model;
    return wanted;
}

bool has_animeganfilter_behind(GstPad *src)
{
    return ask(src) != nullptr;
}

bool answer_style_in_use(GstQuery *query, const PaintSettings &settings)
{
    if (GST_QUERY_TYPE(query) != GST_QUERY_CUSTOM ||
        !gst_structure_has_name(gst_query_get_structure(query), query_name))
        return false;
    gst_structure_set(gst_query_writable_structure(query), "model", G_TYPE_STRING, settings.model.c_str(),
                      "executor", G_TYPE_STRING, settings.executor.c_str(), "device", G_TYPE_STRING,
                      settings.device.c_str(), "precision", G_TYPE_STRING, settings.precision.c_str(),
                      "threads", G_TYPE_UINT, settings.threads, "pictures", G_TYPE_UINT, settings.pictures,
                      nullptr);
    return true;
}

} // namespace anime
