// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/sizeguard/sizeguard_properties.h"

namespace anime
{

namespace
{

GType register_formats()
{
    return register_flags<ImageFormat>("GstAnimeSizeguardFormats", {
                                                                       {IMAGE_JPEG, "JPEG", "jpeg"},
                                                                       {IMAGE_PNG, "PNG", "png"},
                                                                       {IMAGE_WEBP, "WebP", "webp"},
                                                                   });
}

/// The values of Limits::reject_oversize.
GType register_action()
{
    return register_enum<bool>("GstAnimeSizeguardAction",
                               {
                                   {false, "Scale what is larger than max-dimension down", "shrink"},
                                   {true, "Refuse what is larger than max-dimension", "reject"},
                               });
}

void add_limits(PropertyTable<SizeguardSettings> &table)
{
    table.add_number(
        {"max-bytes", "Maximum bytes",
         "Largest image file in bytes; more is refused while it arrives (0: no limit)", mutable_playing},
        std::uint64_t{0}, G_MAXUINT64, [](auto &settings) -> auto & { return settings.limits.max_bytes; });
    table.add_number(
        {"max-source-pixels", "Maximum source pixels",
         "Largest width × height that a header may declare; more is refused before it is decoded (0: no "
         "limit)",
         mutable_playing},
        std::uint64_t{0}, G_MAXUINT64,
        [](auto &settings) -> auto & { return settings.limits.max_source_pixels; });
    table.add_number(
        {"max-dimension", "Maximum dimension",
         "Longest side of a frame that leaves the element, in pixels (0: no limit)", mutable_playing},
        0U, 32767U, [](auto &settings) -> auto & { return settings.limits.max_dimension; });
    table.add_number(
        {"max-scans", "Maximum scans", "Most scans that a JPEG may be stored in (0: no limit)",
         mutable_playing},
        0U, G_MAXUINT32, [](auto &settings) -> auto & { return settings.limits.max_scans; });
    table.add_number(
        {"max-memory", "Maximum memory",
         "Most bytes that decoding may have to hold at once, by the header: for progressive JPEG, interlaced "
         "PNG, lossless and animated WebP; images wait while others of the process hold the rest of it (0: "
         "no limit)",
         mutable_playing},
        std::uint64_t{0}, G_MAXUINT64, [](auto &settings) -> auto & { return settings.limits.max_memory; });
    table.add_flags(
        {"formats", "Formats", "Formats that are let in, by what the bytes are", mutable_playing},
        register_formats(), [](auto &settings) -> auto & { return settings.limits.formats; });
}

void add_handling(PropertyTable<SizeguardSettings> &table)
{
    table.add_boolean(
        {"auto-rotate", "Auto-rotate", "Turn photos upright, by their EXIF data", mutable_playing},
        [](auto &settings) -> auto & { return settings.limits.auto_rotate; });
    table.add_choice(
        {"action", "Action", "What to do with what is larger than max-dimension", mutable_playing},
        register_action(), [](auto &settings) -> auto & { return settings.limits.reject_oversize; });
    table.add_boolean(
        {"qos", "QoS", "Drop late frames instead of decoding or scaling them", mutable_playing},
        [](auto &settings) -> auto & { return settings.qos; });
}

} // namespace

const PropertyTable<SizeguardSettings> &sizeguard_properties()
{
    static const PropertyTable<SizeguardSettings> properties = [] {
        PropertyTable<SizeguardSettings> table;
        add_limits(table);
        add_handling(table);
        add_message_interval(table);
        return table;
    }();
    return properties;
}

} // namespace anime
