// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/common/frame_gaps.h"

#include <utility>

namespace anime
{

unsigned FrameGaps::arrived(std::uint64_t timestamp, std::uint64_t duration, std::uint64_t processing_time,
                            bool late)
{
    const std::optional<std::uint64_t> due = std::exchange(next_, timestamp + duration);
    if (duration == 0) {
        forget();
        return 0;
    }
    // Half a frame is jitter.
    if (!due || timestamp < *due + duration / 2)
        return 0;
    if (processing_time < (late ? duration / 2 : duration))
        return 0; // it waited for them
    return static_cast<unsigned>((timestamp - *due + duration / 2) / duration);
}

} // namespace anime
