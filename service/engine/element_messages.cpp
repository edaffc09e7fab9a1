// SPDX-License-Identifier: LGPL-2.1-or-later
#include "service/engine/element_messages.h"

#include "service/text.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>

namespace anime::service
{

namespace
{

using Json = nlohmann::ordered_json;

/// Places in a stream, which a single photo has none of.
constexpr std::array<std::string_view, 4> stream_fields = {"timestamp", "stream-time", "running-time",
                                                           "duration"};

Json json_of(const GValue *value)
{
    if (G_VALUE_HOLDS_STRING(value)) {
        const char *text = g_value_get_string(value);
        return text ? Json(text) : Json(nullptr);
    }
    if (G_VALUE_HOLDS_BOOLEAN(value))
        return static_cast<bool>(g_value_get_boolean(value));
    if (G_VALUE_HOLDS_INT(value))
        return g_value_get_int(value);
    if (G_VALUE_HOLDS_UINT(value))
        return g_value_get_uint(value);
    if (G_VALUE_HOLDS_INT64(value))
        return g_value_get_int64(value);
    if (G_VALUE_HOLDS_UINT64(value))
        return g_value_get_uint64(value);
    if (G_VALUE_HOLDS_DOUBLE(value))
        return g_value_get_double(value);
    if (GST_VALUE_HOLDS_ARRAY(value)) {
        Json list = Json::array();
        for (guint i = 0; i < gst_value_array_get_size(value); ++i)
            list.push_back(json_of(gst_value_array_get_value(value, i)));
        return list;
    }
    if (GST_VALUE_HOLDS_LIST(value)) {
        Json list = Json::array();
        for (guint i = 0; i < gst_value_list_get_size(value); ++i)
            list.push_back(json_of(gst_value_list_get_value(value, i)));
        return list;
    }
    if (GST_VALUE_HOLDS_STRUCTURE(value)) {
        Json object = Json::object();
        const GstStructure *structure = gst_value_get_structure(value);
        for (gint i = 0; structure && i < gst_structure_n_fields(structure); ++i) {
            const char *name = gst_structure_nth_field_name(structure, static_cast<guint>(i));
            object[name] = json_of(gst_structure_get_value(structure, name));
        }
        return object;
    }
    char *text = gst_value_serialize(value);
    Json json = text ? Json(text) : Json(nullptr);
    g_free(text);
    return json;
}

/// Nanoseconds become milliseconds, dashes underscores: inference-time is inference_ms.
Json fields_of(const GstStructure *message)
{
    Json fields = Json::object();
    for (gint i = 0; i < gst_structure_n_fields(message); ++i) {
        const std::string name = gst_structure_nth_field_name(message, static_cast<guint>(i));
        if (std::find(stream_fields.begin(), stream_fields.end(), name) != stream_fields.end())
            continue;
        Json value = json_of(gst_structure_get_value(message, name.c_str()));
        std::string key = with_underscores(name);
        if (key.ends_with("_time") && value.is_number()) {
            key.replace(key.size() - 5, 5, "_ms");
            value = std::round(value.get<double>() / 1e5) / 10;
        }
        fields[key] = std::move(value);
    }
    return fields;
}

double milliseconds_field(const GstStructure *message, const char *name)
{
    guint64 nanoseconds = 0;
    gst_structure_get_uint64(message, name, &nanoseconds);
    return static_cast<double>(nanoseconds) / 1e6;
}

int int_field(const GstStructure *message, const char *name)
{
    const GValue *value = gst_structure_get_value(message, name);
    if (!value)
        return 0;
    if (G_VALUE_HOLDS_INT(value))
        return g_value_get_int(value);
    return G_VALUE_HOLDS_UINT(value) ? static_cast<int>(g_value_get_uint(value)) : 0;
}

} // namespace

std::string text_field(const GstStructure *message, const char *name)
{
    const char *text = gst_structure_get_string(message, name);
    return text ? text : "";
}

void log_message(Log &log, const std::string &request_id, const GstStructure *message)
{
    const std::string element = gst_structure_get_name(message);
    Json fields = fields_of(message);
    fields["element"] = element;
    if (element != "sizeguard") {
        log.write(Level::info, Layer::inference, request_id, element == "facepaint" ? "faces" : "painted",
                  fields);
        return;
    }
    Json verdict = Json::object();
    for (const char *name : {"verdict", "code", "format", "bytes", "source_width", "source_height"})
        if (fields.contains(name))
            verdict[name] = fields[name];
    const bool refused = fields.contains("code");
    log.write(Level::info, Layer::validation, request_id, refused ? "refused" : "accepted", verdict);
    if (!refused)
        log.write(Level::info, Layer::preprocess, request_id, "decoded", fields);
}

Step read_message(const GstStructure *message, PictureInfo &info)
{
    const std::string_view element = gst_structure_get_name(message);
    if (element == "sizeguard") {
        info.timings.decode += milliseconds_field(message, "processing-time");
        info.source = {int_field(message, "source-width"), int_field(message, "source-height")};
        info.processed = {int_field(message, "width"), int_field(message, "height")};
        info.source_format = text_field(message, "format");
        return {"faces", 0.3};
    }
    if (element == "facepaint") {
        info.timings.faces += milliseconds_field(message, "processing-time");
        info.faces = int_field(message, "found");
        return {"paint", 0.4};
    }
    if (element == "animeganfilter") {
        const double wait = milliseconds_field(message, "wait-time");
        info.timings.wait += wait;
        info.timings.paint += milliseconds_field(message, "processing-time") - wait;
        info.model = text_field(message, "model");
        info.digest = text_field(message, "digest");
        return {"encode", 0.9};
    }
    return {};
}

std::uint64_t number_property(GstElement *element, const char *name)
{
    if (!g_object_class_find_property(G_OBJECT_GET_CLASS(element), name))
        return 0;
    GValue value = G_VALUE_INIT;
    g_value_init(&value, G_TYPE_INT64);
    g_object_get_property(G_OBJECT(element), name, &value);
    const gint64 number = g_value_get_int64(&value);
    return number > 0 ? static_cast<std::uint64_t>(number) : 0;
}

std::vector<std::string> media_types_property(GstElement *element, const char *name)
{
    std::vector<std::string> types;
    GParamSpec *spec = g_object_class_find_property(G_OBJECT_GET_CLASS(element), name);
    if (!spec || !G_IS_PARAM_SPEC_FLAGS(spec))
        return types;
    guint set = 0;
    g_object_get(element, name, &set, nullptr);
    const GFlagsClass *flags = G_PARAM_SPEC_FLAGS(spec)->flags_class;
    for (guint i = 0; i < flags->n_values; ++i)
        if ((set & flags->values[i].value) == flags->values[i].value)
            types.push_back(std::string("image/") + flags->values[i].value_nick);
    return types;
}

} // namespace anime::service
