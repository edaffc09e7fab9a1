// SPDX-License-Identifier: LGPL-2.1-or-later
// Times that travel are those of the hosts' clocks on the wall; what waits for them goes by the steady one.
#pragma once

#include <chrono>

namespace anime::service::broker
{

using Wall = std::chrono::system_clock::time_point;
using Steady = std::chrono::steady_clock::time_point;

inline Wall now()
{
    return std::chrono::system_clock::now();
}

inline Steady steady(Wall time)
{
    return std::chrono::steady_clock::now() + std::chrono::duration_cast<Steady::duration>(time - now());
}

inline Wall wall(Steady time)
{
    return now() + std::chrono::duration_cast<Wall::duration>(time - std::chrono::steady_clock::now());
}

} // namespace anime::service::broker
