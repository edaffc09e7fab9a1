// SPDX-License-Identifier: LGPL-2.1-or-later
// Counts the frames that never arrived because an element was too slow: elements before it, a leaky queue or
// a converter that hears of late frames, drop them in its place.
#pragma once

#include <cstdint>
#include <optional>

namespace anime
{

/// For one stream. Times in nanoseconds.
class FrameGaps
{
public:
    /// How many frames are missing between the last one and this one for the element's sake: where it took
    /// longer than a frame lasts, or, if downstream complained of late frames, longer than half of that.
    /// Without a time or a duration nothing can be told.
    unsigned arrived(std::uint64_t timestamp, std::uint64_t duration, std::uint64_t processing_time,
                     bool late);

    /// The next frame has nothing to do with the last one.
    void forget() { next_.reset(); }

private:
    std::optional<std::uint64_t> next_; ///< when the next frame is due
};

} // namespace anime
