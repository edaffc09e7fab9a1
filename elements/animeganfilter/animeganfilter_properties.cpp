// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/animeganfilter/animeganfilter_properties.h"

#include "elements/painting/paint_properties.h"

namespace anime
{

namespace
{

/// A frame at 1920×1080 takes 12 MB, and the painter 9 MB more for it.
constexpr unsigned most_in_flight = 16;

GType register_tone_match()
{
    return register_enum<ToneMatch>(
        "GstAnimeToneMatch",
        {
            {ToneMatch::automatic, "full, or fade for a style that grades for itself", "auto"},
            {ToneMatch::off, "Leave the painting as the style made it", "off"},
            {ToneMatch::fade, "Leave it so, but a frame that is nearly black as the photo has it", "fade"},
            {ToneMatch::mean, "Give it the photo's mean brightness, by one factor", "mean"},
            {ToneMatch::full, "Give it the photo's range from dark to light, by a curve", "full"},
        });
}

void add_frame_properties(PropertyTable<AnimeganFilterSettings> &table)
{
    table.add_number(
        {"max-dimension", "Maximum dimension",
         "Longest side in pixels at which a frame is painted; a larger frame is scaled down, and its "
         "painting up again (0: no limit)",
         mutable_playing},
        0, 65535, [](auto &settings) -> auto & { return settings.frame.max_dimension; });
    table.add_number(
        {"strength", "Strength", "From the photo (0, nothing is painted) to the painting (1)", controllable},
        0.0, 1.0, [](auto &settings) -> auto & { return settings.frame.strength; });
    table.add_choice(
        {"match-tone", "Match tone", "How the painting's light and dark follow the photo's", mutable_playing},
        register_tone_match(), [](auto &settings) -> auto & { return settings.frame.match_tone; });
    // The old name. It can't be read, so that presets don't keep it.
    table.add_other(
        g_param_spec_boolean("match-brightness", "Match brightness",
                             "The old name of match-tone: true is its mean, false its off", TRUE,
                             static_cast<GParamFlags>(G_PARAM_WRITABLE | G_PARAM_STATIC_STRINGS |
                                                      GST_PARAM_MUTABLE_PLAYING | G_PARAM_DEPRECATED)),
        [](AnimeganFilterSettings &settings, const GValue *value) {
            settings.frame.match_tone = g_value_get_boolean(value) ? ToneMatch::mean : ToneMatch::off;
        },
        nullptr);
    table.add_number(
        {"temporal-smoothing", "Temporal smoothing",
         "Part of the last painting that is kept where the video hardly changes, against flicker (0: none)",
         controllable},
        0.0, 0.95, [](auto &settings) -> auto & { return settings.frame.temporal_smoothing; });
    table.add_other(
        gst_param_spec_fraction(
            "target-framerate", "Target framerate",
            "Frames a second that are held where the machine is too slow: by the quick net "
            "that the default style has, then by painting at a smaller size; a QOS message "
            "tells the quality (0/1: none)",
            0, 1, 1000, 1, 0, 1, mutable_playing),
        [](AnimeganFilterSettings &settings, const GValue *value) {
            settings.target_numerator = gst_value_get_fraction_numerator(value);
            settings.target_denominator = gst_value_get_fraction_denominator(value);
        },
        [](const AnimeganFilterSettings &settings, GValue *value) {
            gst_value_set_fraction(value, settings.target_numerator, settings.target_denominator);
        });
}

void add_flight_property(PropertyTable<AnimeganFilterSettings> &table)
{
    table.add_number(
        {"frames-in-flight", "Frames in flight",
         "Frames that are painted at once, each by its share of the threads, which takes less time than one "
         "after the other by all threads, and delays the stream by so many frames and one more (1: none; 0: "
         "as many as are worth it, up to 4, and 1 in a live pipeline)",
         mutable_ready},
        0U, most_in_flight, [](auto &settings) -> auto & { return settings.paint.pictures; });
}

} // namespace

const PropertyTable<AnimeganFilterSettings> &animeganfilter_properties()
{
    static const PropertyTable<AnimeganFilterSettings> properties = [] {
        PropertyTable<AnimeganFilterSettings> table;
        add_paint_properties(
            table, "Name of a style in the catalogue, or path of a .safetensors or .pt file; a change "
                   "takes effect with the next frame");
        add_frame_properties(table);
        add_flight_property(table);
        add_message_interval(table);
        return table;
    }();
    return properties;
}

} // namespace anime
