// SPDX-License-Identifier: LGPL-2.1-or-later
// Frames that were dropped upstream because the element was too slow.
#include "elements/common/frame_gaps.h"

#include <gtest/gtest.h>

namespace anime
{
namespace
{

constexpr std::uint64_t ms = 1'000'000;
constexpr std::uint64_t frame = 40 * ms;

TEST(FrameGaps, CountsWhatIsMissingForTheElementsSake)
{
    struct Case {
        const char *what;
        std::uint64_t next; ///< of the frame behind one at 0
        std::uint64_t took;
        bool late;
        unsigned missing;
    };
    const Case cases[] = {
        {"no gap", frame, 100 * ms, true, 0},
        {"jitter", frame + 15 * ms, 100 * ms, true, 0},
        {"too slow", 3 * frame, 100 * ms, false, 2},
        {"too slow, and not exactly", 3 * frame + 10 * ms, 100 * ms, false, 2},
        {"quick: the source has gaps of its own", 3 * frame, 10 * ms, false, 0},
        {"quick, and others are late", 3 * frame, 10 * ms, true, 0},
        {"slow enough to be a reason for lateness", 3 * frame, 30 * ms, true, 2},
        {"the same without lateness", 3 * frame, 30 * ms, false, 0},
        {"back in time", 0, 100 * ms, true, 0},
    };
    for (const Case &c : cases) {
        SCOPED_TRACE(c.what);
        FrameGaps gaps;
        EXPECT_EQ(gaps.arrived(0, frame, 0, false), 0u) << "the first";
        EXPECT_EQ(gaps.arrived(c.next, frame, c.took, c.late), c.missing);
        EXPECT_EQ(gaps.arrived(c.next + frame, frame, 100 * ms, true), 0u) << "and goes on from there";
    }
}

TEST(FrameGaps, NeedsADurationAndForgets)
{
    FrameGaps gaps;
    gaps.arrived(0, 0, 0, false);
    EXPECT_EQ(gaps.arrived(1000 * ms, frame, 100 * ms, true), 0u);
    gaps.forget();
    EXPECT_EQ(gaps.arrived(9000 * ms, frame, 100 * ms, true), 0u);
}

} // namespace
} // namespace anime
