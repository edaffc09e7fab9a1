// SPDX-License-Identifier: LGPL-2.1-or-later
// From what the user wrote to the weights that it means.
#pragma once

#include "models/weights/catalogue.h"

#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <system_error>
#include <vector>

namespace anime
{

struct ModelSource {
    enum class Kind {
        embedded,
        safetensors,
        torch, ///< written by PyTorch: a state dict or TorchScript
    };
    Kind kind = Kind::embedded;
    std::filesystem::path path = {};          ///< empty for an embedded model
    std::string name = {};                    ///< of the style, or the file's name without its suffix
    const CatalogueEntry *entry = nullptr;    ///< where it was found by a name of the catalogue
    std::span<const std::byte> embedded = {}; ///< an embedded model's file
};

/// "default" (what the catalogue says), an embedded style's name, a name of the catalogue, a file in the
/// download folder, or a path: what has a slash or ends with .safetensors, .pt, .pth or .torchscript. Whether
/// the file can be read is seen later. Throws Error model-missing for a name that means nothing or can't be
/// looked for.
ModelSource locate_model(const std::string &name_or_path);

/// The file that a name means in style_folders(). `failure` is why nobody can tell whether there is one:
/// a folder that may not be entered, a name too long for a file.
std::optional<ModelSource> find_downloaded(const std::string &name, std::error_code &failure);

/// The names that .safetensors files in style_folders() can be called by, in the order of the alphabet;
/// none of a folder that can't be read.
std::vector<std::string> downloaded_names();

/// The embedded styles, the default first where the build has it.
const std::vector<ModelSource> &embedded_styles();

} // namespace anime
