// SPDX-License-Identifier: LGPL-2.1-or-later
#include "pipelines/options.h"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <gst/gst.h>

namespace anime
{

namespace
{

std::string take(gchar *text)
{
    std::string copy = text ? text : "";
    g_free(text);
    return copy;
}

/// As GLib fills it in.
struct Given {
    gchar *style = nullptr;
    gchar *strength = nullptr;
    gchar *pipeline = nullptr;
    gchar *sample = nullptr;
    gdouble stall_after = Options{}.stall_after;
    gboolean resume = FALSE;
    gboolean version = FALSE;
    gchar **files = nullptr;
};

constexpr const char *explanation = "INPUT is a photo (JPEG, PNG, WebP), a film (MP4, MOV, MKV, WebM, AVI "
                                    "and others), or a folder of them. OUTPUT is "
                                    "a\n.png, .jpg, .mp4, .mov, .mkv or .webm file, or a folder, which is "
                                    "made if it is not there; files in it are "
                                    "named like\ntheir inputs, photos with .png. Without OUTPUT it is "
                                    "NAME-anime.png (or .mp4) or NAME-anime/ in the "
                                    "current folder.\nAn existing OUTPUT is replaced, an input never.\n"
                                    "Exit code: 0, 1 if a file failed, 2 for a wrong command line.\n";

/// Empty, or what GLib has against it.
std::string parse(int argc, char **argv, Given &given)
{
    // FILENAME takes any bytes; STRING would be converted from the locale's charset, which is ASCII here.
    const std::array<GOptionEntry, 9> entries = {{
        {"style", 's', 0, G_OPTION_ARG_FILENAME, &given.style,
         "A style by name, or a model file (docs/models.md)", "NAME"},
        {"strength", 0, 0, G_OPTION_ARG_FILENAME, &given.strength,
         "0 leaves the picture as it is, 1 paints it", "0..1"},
        {"pipeline", 'p', 0, G_OPTION_ARG_FILENAME, &given.pipeline,
         "Another pipeline description, by name or path (docs/pipelines.md)", "NAME"},
        {"resume", 0, 0, G_OPTION_ARG_NONE, &given.resume,
         "Go on with films that were interrupted, and leave out files that are painted", nullptr},
        {"stall-after", 0, 0, G_OPTION_ARG_DOUBLE, &given.stall_after,
         "Give a film up when no frame has come for so long (120)", "SECONDS"},
        {"sample", 0, 0, G_OPTION_ARG_FILENAME, &given.sample, "Painted into anime.png if no INPUT is named",
         "FILE"},
        {"version", 0, 0, G_OPTION_ARG_NONE, &given.version, "Show the version", nullptr},
        {G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &given.files, nullptr, "INPUT... [OUTPUT]"},
        {},
    }};
    GOptionContext *context = g_option_context_new(nullptr);
    g_option_context_set_summary(context, "Turns photos and films into anime.");
    g_option_context_set_description(context, explanation);
    g_option_context_add_main_entries(context, entries.data(), nullptr);
    g_option_context_add_group(context, gst_init_get_option_group());
    GError *error = nullptr;
    std::string wrong;
    if (!g_option_context_parse(context, &argc, &argv, &error))
        wrong = std::string(error->message) + ".";
    g_clear_error(&error);
    g_option_context_free(context);
    return wrong;
}

/// Takes what GLib allocated. Empty, or what is wrong with a value.
std::string read_values(Given &given, Options &options)
{
    const bool has_strength = given.strength != nullptr;
    const std::string strength = take(given.strength);
    const std::string sample = take(given.sample);
    options.style = take(given.style);
    options.pipeline = take(given.pipeline);
    options.stall_after = given.stall_after;
    options.resume = given.resume;
    for (gchar **file = given.files; file && *file; ++file)
        options.files.emplace_back(*file);
    g_strfreev(given.files);
    if (options.files.empty() && !sample.empty())
        options.files = {sample, "anime.png"};

    if (options.files.empty() && !given.version)
        return "Name a photo or a film.";
    if (has_strength) {
        gchar *end = nullptr;
        options.strength = g_ascii_strtod(strength.c_str(), &end);
        if (strength.empty() || *end)
            return "--strength takes a number from 0 to 1, not \"" + strength + "\".";
    }
    if (!(options.stall_after > 0 && options.stall_after <= 86400))
        return "--stall-after takes a number of seconds, at most 86400.";
    return {};
}

} // namespace

Options parse_command_line(int argc, char **argv)
{
    Given given;
    Options options;
    std::string wrong = parse(argc, argv, given);
    const std::string wrong_value = read_values(given, options);
    if (wrong.empty())
        wrong = wrong_value;
    if (!wrong.empty()) {
        std::fprintf(stderr, "%s See --help.\n", wrong.c_str());
        std::exit(2);
    }
    if (given.version) {
        std::printf("gst-anime %s, %s\n", ANIME_VERSION, take(gst_version_string()).c_str());
        std::exit(0);
    }
    return options;
}

} // namespace anime
