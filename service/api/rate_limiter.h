// SPDX-License-Identifier: LGPL-2.1-or-later
// A token bucket for each client, in bounded memory.
#pragma once

#include <chrono>
#include <cstddef>
#include <list>
#include <mutex>
#include <string>
#include <unordered_map>

namespace anime::service
{

class RateLimiter
{
public:
    using Time = std::chrono::steady_clock::time_point;

    /// `per_minute` tokens flow in, at most `burst` are kept. `most_clients` bounds the memory: the client
    /// that was away longest is forgotten first, which at worst gives it a full bucket.
    RateLimiter(double per_minute, double burst, std::size_t most_clients = 20000);

    /// Takes a token of `client`: zero, or the time until there is one.
    std::chrono::milliseconds take(const std::string &client, Time now);

    std::size_t clients() const;

private:
    struct Bucket {
        std::string client;
        double tokens;
        Time updated;
    };

    const double per_second_;
    const double burst_;
    const std::size_t most_clients_;
    mutable std::mutex lock_;  // protects what follows
    std::list<Bucket> recent_; // the client seen last is in front
    std::unordered_map<std::string, std::list<Bucket>::iterator> index_;
};

} // namespace anime::service
