// SPDX-License-Identifier: LGPL-2.1-or-later
// How a picture of any size meets a graph's size rules: every executor pads it alike, right and bottom.
#pragma once

#include <algorithm>

namespace anime
{

/// The smallest side that a graph takes for `n` pixels; Graph::multiple and Graph::minimum.
constexpr int padded_side(int n, int multiple, int minimum)
{
    return (std::max(n, minimum) + multiple - 1) / multiple * multiple;
}

/// Which of `n` pixels stands at `i`: mirrored at both ends without repeating the edge, as often as needed.
constexpr int mirrored(int i, int n)
{
    if (n == 1)
        return 0;
    const int period = 2 * (n - 1);
    i %= period;
    if (i < 0)
        i += period;
    return i < n ? i : period - i;
}

} // namespace anime
