// SPDX-License-Identifier: LGPL-2.1-or-later
// Where `meson install` put what a program of ours needs. A tree that was moved or staged (DESTDIR) is found
// too: folders are looked for beside the running program first, as they lay to each other when it was
// configured.
#pragma once

#include <filesystem>

namespace anime
{

/// The folder of the installed descriptions.
std::filesystem::path installed_descriptions();

/// Makes GStreamer know the installed plugin where it does not by itself: installed elsewhere than in /usr,
/// and without GST_PLUGIN_PATH. Does nothing where it is known. GStreamer must have been initialised.
void find_installed_plugin();

} // namespace anime
