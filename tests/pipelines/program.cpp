// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/pipelines/program.h"

#include <glib.h>

Ended run(Words arguments, const std::filesystem::path &folder)
{
    std::vector<gchar *> argv;
    for (std::string &argument : arguments)
        argv.push_back(argument.data());
    argv.push_back(nullptr);
    gchar *out = nullptr;
    gchar *err = nullptr;
    gint status = 0;
    Ended ended;
    if (g_spawn_sync(folder.empty() ? nullptr : folder.c_str(), argv.data(), nullptr, G_SPAWN_SEARCH_PATH,
                     nullptr, nullptr, &out, &err, &status, nullptr))
        ended = {WIFEXITED(status) ? WEXITSTATUS(status) : 128, out, err};
    g_free(out);
    g_free(err);
    return ended;
}
