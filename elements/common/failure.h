// SPDX-License-Identifier: LGPL-2.1-or-later
// Why a frame could not be handled, in the form that every element reports: a stable code, a sentence, a
// remedy.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace anime
{

/// Plain data without GStreamer, so that the code beside the elements can return it. Members have
/// initializers so that callers can name only what they know.
struct Failure {
    std::string code = {}; ///< stable, machine-readable: size-bytes, image-truncated, … (docs/elements.md)
    std::string message = {}; ///< for the user, with the limit and the actual value
    std::string remedy = {};  ///< for the user: what to do
    std::string debug = {};   ///< for the log: what the library said
    std::optional<std::uint64_t> limit = {};
    std::optional<std::uint64_t> actual = {};
};

} // namespace anime
