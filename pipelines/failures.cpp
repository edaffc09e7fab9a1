// SPDX-License-Identifier: LGPL-2.1-or-later
#include "pipelines/failures.h"

#include <array>
#include <string_view>

namespace anime
{

namespace
{

struct Domain {
    GQuark quark;
    const char *name;
    GType codes;
};

std::string generic_code(const GError *error)
{
    const std::array domains = {
        Domain{GST_CORE_ERROR, "core", GST_TYPE_CORE_ERROR},
        Domain{GST_LIBRARY_ERROR, "library", GST_TYPE_LIBRARY_ERROR},
        Domain{GST_RESOURCE_ERROR, "resource", GST_TYPE_RESOURCE_ERROR},
        Domain{GST_STREAM_ERROR, "stream", GST_TYPE_STREAM_ERROR},
    };
    for (const auto &[quark, name, codes] : domains) {
        if (error->domain != quark)
            continue;
        auto *values = static_cast<GEnumClass *>(g_type_class_ref(codes));
        const GEnumValue *value = g_enum_get_value(values, error->code);
        const std::string code = std::string(name) + "-" + (value ? value->value_nick : "failed");
        g_type_class_unref(values);
        return code;
    }
    return "failed";
}

std::string field(const GstStructure *details, const char *name)
{
    const gchar *text = details ? gst_structure_get_string(details, name) : nullptr;
    return text ? text : "";
}

std::optional<std::uint64_t> number(const GstStructure *details, const char *name)
{
    guint64 value = 0;
    if (details && gst_structure_get_uint64(details, name, &value))
        return value;
    return std::nullopt;
}

/// The Debian package of an element that the project's descriptions and documentation use.
std::string package_of(std::string_view element)
{
    struct Package {
        const char *name;
        std::array<std::string_view, 8> elements;
    };
    static constexpr std::array packages = {
        Package{"gstreamer1.0-plugins-base",
                {"videoconvert", "videoscale", "videorate", "videotestsrc", "appsrc", "appsink", "decodebin",
                 "oggmux"}},
        Package{"gstreamer1.0-plugins-good",
                {"pngenc", "pngdec", "jpegenc", "jpegdec", "imagefreeze", "v4l2src", "multifilesink",
                 "matroskamux"}},
        Package{"gstreamer1.0-plugins-ugly", {"x264enc"}},
        Package{"gstreamer1.0-plugins-bad", {"webpenc", "openh264enc", "fpsdisplaysink"}},
        Package{"gstreamer1.0-x", {"ximagesink", "xvimagesink"}},
    };
    for (const auto &[name, elements] : packages)
        for (const std::string_view known : elements)
            if (!known.empty() && known == element)
                return name;
    return {};
}

std::string remedy_for_missing(const std::string &element)
{
    if (element == "sizeguard" || element == "facepaint" || element == "animeganfilter")
        return "It is in this project's plugin: build it and name its folder in GST_PLUGIN_PATH, as "
               "./animate and "
               "meson devenv -C build do.";
    const std::string package = package_of(element);
    if (!package.empty())
        return "Install the Debian package " + package + ".";
    return "Install the GStreamer plugin that has it (Debian: gstreamer1.0-plugins-base, -good, -bad or "
           "-ugly).";
}

} // namespace

bool has_details(GstMessage *error)
{
    const GstStructure *details = nullptr;
    gst_message_parse_error_details(error, &details);
    return !field(details, "code").empty();
}

RunFailure failure_of(GstMessage *message)
{
    GError *error = nullptr;
    gchar *debug = nullptr;
    const GstStructure *details = nullptr;
    if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_WARNING) {
        gst_message_parse_warning(message, &error, &debug);
        gst_message_parse_warning_details(message, &details);
    } else {
        gst_message_parse_error(message, &error, &debug);
        gst_message_parse_error_details(message, &details);
    }

    RunFailure failure;
    failure.code = field(details, "code");
    if (failure.code.empty())
        failure.code = generic_code(error);
    failure.message = error->message;
    failure.remedy = field(details, "remedy");
    // The elements' text ends with the remedy, for programs that show nothing else (gst-launch-1.0).
    if (!failure.remedy.empty() && failure.message.ends_with(" " + failure.remedy))
        failure.message.resize(failure.message.size() - failure.remedy.size() - 1);
    failure.debug = debug ? debug : "";
    failure.limit = number(details, "limit");
    failure.actual = number(details, "actual");
    if (GST_IS_ELEMENT(GST_MESSAGE_SRC(message)))
        if (GstElementFactory *factory = gst_element_get_factory(GST_ELEMENT(GST_MESSAGE_SRC(message))))
            failure.element = GST_OBJECT_NAME(factory);
    g_clear_error(&error);
    g_free(debug);
    return failure;
}

RunFailure parse_failure(const Description &description, const GError *error, gchar **missing)
{
    RunFailure failure;
    if (missing && missing[0] && g_error_matches(error, GST_PARSE_ERROR, GST_PARSE_ERROR_NO_SUCH_ELEMENT)) {
        const std::string element = missing[0];
        failure.code = "element-missing";
        failure.message = "The pipeline \"" + description.name + "\" needs the element " + element +
                          ", which is not installed.";
        failure.remedy = remedy_for_missing(element);
        failure.element = element;
        return failure;
    }
    failure.code = "description-invalid";
    failure.message = "The pipeline description \"" + description.name +
                      "\" is not valid: " + (error ? error->message : "it is empty") + ".";
    failure.remedy = "docs/pipelines.md says how to write one.";
    return failure;
}

} // namespace anime
