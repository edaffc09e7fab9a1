// SPDX-License-Identifier: LGPL-2.1-or-later
#include "pipelines/installed.h"

#include "elements/common/gst_raii.h"

#include <gst/gst.h>

#include <memory>

namespace fs = std::filesystem;

namespace anime
{

namespace
{

/// `configured` as it lies to the running program, if there is such a folder; else as it was configured.
fs::path beside_program(const fs::path &configured)
{
    std::error_code unknown;
    const fs::path program = fs::read_symlink("/proc/self/exe", unknown);
    if (!unknown) {
        fs::path beside =
            (program.parent_path() / configured.lexically_relative(ANIME_BIN_DIR)).lexically_normal();
        if (fs::is_directory(beside, unknown))
            return beside;
    }
    return configured;
}

} // namespace

fs::path installed_descriptions()
{
    return beside_program(ANIME_PIPELINE_DIR);
}

void find_installed_plugin()
{
    const std::unique_ptr<GstPluginFeature, Release<gst_object_unref>> known(
        gst_registry_lookup_feature(gst_registry_get(), "animeganfilter"));
    if (!known)
        gst_registry_scan_path(gst_registry_get(), beside_program(ANIME_PLUGIN_DIR).c_str());
}

} // namespace anime
