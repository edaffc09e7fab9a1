// SPDX-License-Identifier: LGPL-2.1-or-later
// Bounds the bytes of all uploads that are arriving or waiting, however many there are.
#pragma once

#include "service/picture.h"

#include <atomic>
#include <cstdint>
#include <memory>

namespace anime::service
{

/// Outlives every upload that it counts.
class ByteBudget
{
public:
    explicit ByteBudget(std::uint64_t most) : most_(most) {}

    bool take(std::uint64_t bytes)
    {
        if (used_.fetch_add(bytes) + bytes <= most_)
            return true;
        used_ -= bytes;
        return false;
    }
    void give_back(std::uint64_t bytes) { used_ -= bytes; }
    std::uint64_t used() const { return used_; }
    std::uint64_t most() const { return most_; }

private:
    const std::uint64_t most_;
    std::atomic<std::uint64_t> used_{0};
};

} // namespace anime::service
