// SPDX-License-Identifier: LGPL-2.1-or-later
// A weights file mapped into memory, read-only. Weights are replaced by renaming, never written in place, so
// the mapping stays whole while it is read.
#pragma once

#include "models/api.h"

#include <glib.h>

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>

namespace anime
{

/// Larger files are refused before they are mapped: the largest published checkpoint has 9 MB.
constexpr std::size_t max_model_bytes = std::size_t{256} << 20;

class ANIME_API MappedFile
{
public:
    /// Throws Error: model-missing where there is no such file or it can't be read, model-invalid where it is
    /// not a regular file, empty or larger than max_model_bytes.
    explicit MappedFile(const std::filesystem::path &path);

    std::span<const std::byte> bytes() const;

private:
    struct Unref {
        void operator()(GMappedFile *file) const { g_mapped_file_unref(file); }
    };
    std::unique_ptr<GMappedFile, Unref> file_;
};

} // namespace anime
