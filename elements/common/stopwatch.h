// SPDX-License-Identifier: LGPL-2.1-or-later
// How long something took.
#pragma once

#include <chrono>
#include <cstdint>

namespace anime
{

class Stopwatch
{
public:
    std::uint64_t ns() const
    {
        const auto passed = std::chrono::steady_clock::now() - start_;
        return static_cast<std::uint64_t>(
            std::chrono::duration_cast<std::chrono::nanoseconds>(passed).count());
    }

private:
    std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

} // namespace anime
