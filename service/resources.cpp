// SPDX-License-Identifier: LGPL-2.1-or-later
#include "service/resources.h"

extern "C" {
#include "service/anime-resources.h" // made by glib-compile-resources, which has C in mind
}

#include <gio/gio.h>

#include <stdexcept>

namespace anime::service
{

namespace
{

const std::string prefix = "/gst-anime";

void list_folder(const std::string &folder, std::vector<std::string> &paths)
{
    char **children = g_resource_enumerate_children(anime_get_resource(), (prefix + folder).c_str(),
                                                    G_RESOURCE_LOOKUP_FLAGS_NONE, nullptr);
    for (char **child = children; child && *child; ++child) {
        const std::string path = folder + *child;
        if (path.ends_with('/'))
            list_folder(path, paths);
        else
            paths.push_back(path);
    }
    g_strfreev(children);
}

} // namespace

std::string_view resource(const std::string &path)
{
    GBytes *bytes = g_resource_lookup_data(anime_get_resource(), (prefix + path).c_str(),
                                           G_RESOURCE_LOOKUP_FLAGS_NONE, nullptr);
    if (!bytes)
        throw std::runtime_error("no resource named " + path);
    gsize size = 0;
    const char *data = static_cast<const char *>(g_bytes_get_data(bytes, &size));
    g_bytes_unref(bytes); // the data is part of the program
    return {data, size};
}

std::vector<std::string> resource_paths()
{
    std::vector<std::string> paths;
    list_folder("/", paths);
    return paths;
}

} // namespace anime::service
