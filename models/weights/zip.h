// SPDX-License-Identifier: LGPL-2.1-or-later
// The kind of zip archive that PyTorch writes: its files lie in it as they are, so that they can be used
// where they are mapped. Nothing is decompressed, so an archive costs no more than its size.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <span>
#include <string>

namespace anime
{

/// By name; a compressed file (TorchScript compresses its code) is listed without its bytes.
using ZipFiles = std::map<std::string, std::optional<std::span<const std::byte>>, std::less<>>;

/// The files of an archive. `source` names it in messages. Throws Error model-invalid.
ZipFiles read_zip(std::span<const std::byte> archive, const std::string &source);

} // namespace anime
