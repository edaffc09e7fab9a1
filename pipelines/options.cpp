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

} // namespace

Options parse_command_line(int argc, char **argv)
{
    gchar *style = nullptr;
    gchar *strength = nullptr;
    gchar *pipeline = nullptr;
    gchar *sample = nullptr;
    Options options;
    gboolean version = FALSE;
    gchar **files = nullptr;
    // FILENAME takes any bytes; STRING would be converted from the locale's charset, which is ASCII here.
    const std::array<GOptionEntry, 8> entries = {{
        {"style", 's', 0, G_OPTION_ARG_FILENAME, &style, "A style by name, or a model file (docs/models.md)",
         "NAME"},
        {"strength", 0, 0, G_OPTION_ARG_FILENAME, &strength, "0 leaves the picture as it is, 1 paints it",
         "0..1"},
        {"pipeline", 'p', 0, G_OPTION_ARG_FILENAME, &pipeline,
         "Another pipeline description, by name or path (docs/pipelines.md)", "NAME"},
        {"stall-after", 0, 0, G_OPTION_ARG_DOUBLE, &options.stall_after,
         "Give a film up when no frame has come for so long (120)", "SECONDS"},
        {"sample", 0, 0, G_OPTION_ARG_FILENAME, &sample, "Painted into anime.png if no INPUT is named",
         "FILE"},
        {"version", 0, 0, G_OPTION_ARG_NONE, &version, "Show the version", nullptr},
        {G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &files, nullptr, "INPUT... [OUTPUT]"},
        {},
    }};
    GOptionContext *context = g_option_context_new(nullptr);
    g_option_context_set_summary(context, "Turns photos and films into anime.");
    g_option_context_set_description(
        context,
        "INPUT is a photo (JPEG, PNG, WebP), a film (MP4, MOV, MKV, WebM, AVI and others), or a folder of "
        "them. OUTPUT is a\n.png, .jpg, .mp4, .mov, .mkv or .webm file, or a folder, which is made if it is "
        "not "
        "there; files in it are named like\ntheir inputs, photos with .png. Without OUTPUT it is "
        "NAME-anime.png "
        "(or .mp4) or NAME-anime/ in the current folder.\nAn existing OUTPUT is replaced, an input never.\n"
        "Exit code: 0, 1 if a file failed, 2 for a wrong command line.\n");
    g_option_context_add_main_entries(context, entries.data(), nullptr);
    g_option_context_add_group(context, gst_init_get_option_group());

    GError *error = nullptr;
    const bool parsed = g_option_context_parse(context, &argc, &argv, &error);
    options.style = take(style);
    options.pipeline = take(pipeline);
    const bool has_strength = strength != nullptr;
    const std::string strength_text = take(strength);
    for (gchar **file = files; file && *file; ++file)
        options.files.emplace_back(*file);
    g_strfreev(files);
    const std::string sample_file = take(sample);
    if (options.files.empty() && !sample_file.empty())
        options.files = {sample_file, "anime.png"};

    std::string wrong;
    if (!parsed)
        wrong = error->message;
    else if (options.files.empty() && !version)
        wrong = "Name a photo or a film.";
    g_clear_error(&error);
    if (has_strength) {
        gchar *end = nullptr;
        options.strength = g_ascii_strtod(strength_text.c_str(), &end);
        if (strength_text.empty() || *end)
            wrong = "--strength takes a number from 0 to 1, not \"" + strength_text + "\".";
    }
    if (!(options.stall_after > 0 && options.stall_after <= 86400))
        wrong = "--stall-after takes a number of seconds, at most 86400.";
    g_option_context_free(context);

    if (!wrong.empty()) {
        std::fprintf(stderr, "%s See --help.\n", wrong.c_str());
        std::exit(2);
    }
    if (version) {
        std::printf("gst-anime %s, %s\n", ANIME_VERSION, take(gst_version_string()).c_str());
        std::exit(0);
    }
    return options;
}

} // namespace anime
