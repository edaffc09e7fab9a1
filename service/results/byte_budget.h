// SPDX-License-Identifier: LGPL-2.1-or-later
// Bounds bytes that many hold at once: of all clients together, and of each one.
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

namespace anime::service
{

/// Outlives everything that it counts.
class ByteBudget
{
public:
    ByteBudget(std::uint64_t most, std::uint64_t most_per_client)
        : most_(most), most_per_client_(most_per_client)
    {
    }

    /// Counts `bytes` for `client` (a rate_key); or counts nothing, and returns the limit that is in the way.
    std::optional<std::uint64_t> take(const std::string &client, std::uint64_t bytes);
    void give_back(const std::string &client, std::uint64_t bytes);

    std::uint64_t used() const;
    std::uint64_t most_per_client() const { return most_per_client_; }

private:
    const std::uint64_t most_;
    const std::uint64_t most_per_client_;
    mutable std::mutex lock_; // protects what follows
    std::uint64_t used_ = 0;
    std::unordered_map<std::string, std::uint64_t> clients_; // only those with bytes
};

} // namespace anime::service
