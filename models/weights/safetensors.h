// SPDX-License-Identifier: LGPL-2.1-or-later
// The .safetensors format: eight bytes of header length, a JSON header, the tensors' bytes without holes. The
// file is not trusted.
#pragma once

#include "models/api.h"
#include "models/graph/architectures.h"

#include <cstddef>
#include <filesystem>
#include <map>
#include <span>
#include <string>

namespace anime
{

struct Safetensors {
    WeightMap tensors; ///< F32, F16 and BF16 tensors, all as float
    std::map<std::string, std::string> metadata;
};

/// What a file may have at most; a hundred tensors make 10 kB of header.
constexpr std::size_t max_header_bytes = std::size_t{1} << 20;
constexpr std::size_t max_tensors = 4096;
constexpr std::size_t max_rank = 8;
constexpr std::size_t max_name_bytes = 256;

/// Reads a whole file that is already in memory. `source` names it in messages. Throws Error model-invalid.
ANIME_API Safetensors parse_safetensors(std::span<const std::byte> bytes, const std::string &source);

/// Writes a file with F32 tensors beside `path` and renames it, so that a reader never sees half of it.
/// Throws std::filesystem::filesystem_error.
ANIME_API void write_safetensors(const std::filesystem::path &path, const Safetensors &contents);

} // namespace anime
