// SPDX-License-Identifier: LGPL-2.1-or-later
// What catalogue.json says: which style is the default, and the published checkpoints that are known by name
// and by checksum. Where downloaded ones lie.
#pragma once

#include "models/api.h"
#include "models/graph/graph.h"

#include <cstddef>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace anime
{

/// A state dict says nothing about itself; this is what it would have to say.
struct CatalogueEntry {
    std::string name;
    std::string description;
    std::string architecture;
    std::string licence;
    std::string url; ///< empty where nobody offers it for download
    std::string git_blob_sha1;
    Upsampling upsampling = Upsampling::legacy;
    int face_size = 0;
    std::map<std::string, double> fidelity; ///< as Model's; of those that were at hand to be measured
};

const std::vector<CatalogueEntry> &catalogue();

/// What the name "default" stands for.
ANIME_API const std::string &default_style();

/// The embedded style that paints what `style`, an embedded one, paints, with less arithmetic; empty if it
/// has none. The build may have left it out.
const std::string &quick_style_of(const std::string &style);

const CatalogueEntry *find_in_catalogue(std::string_view name);

/// The entry whose checksum a file has, however the file is called.
ANIME_API const CatalogueEntry *identify(std::span<const std::byte> file);

/// Where `models/fetch` puts NAME.pt: $XDG_DATA_HOME/gst-anime/models.
std::filesystem::path download_folder();

/// Where styles are looked for that are not embedded: download_folder(), then what packages install into
/// gst-anime/models in the folders of $XDG_DATA_DIRS.
std::vector<std::filesystem::path> style_folders();

/// SHA-1 of "blob SIZE\0" and the content, hex: how GitHub shows a file's checksum.
std::string git_blob_sha1(std::span<const std::byte> file);

/// SHA-256, hex.
ANIME_API std::string sha256(std::span<const std::byte> file);

} // namespace anime
