// SPDX-License-Identifier: LGPL-2.1-or-later
// Where a sound track of a finished MP4 file begins to be heard. AAC encoders put up to a few packets before
// the first sample that counts; the muxer can't be told so, and would drop them or shift the sound.
#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace anime
{

/// Cuts `priming[i]` from the start of the i-th sound track by its edit list; zero leaves a track alone. The
/// file keeps its length. Gives a sentence for the log if it isn't a file that the muxer writes.
std::optional<std::string> cut_priming(const std::filesystem::path &file,
                                       const std::vector<std::chrono::nanoseconds> &priming);

} // namespace anime
