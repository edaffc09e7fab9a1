// SPDX-License-Identifier: LGPL-2.1-or-later
// The newest finished pictures, in memory, by their cache keys.
#pragma once

#include "service/picture.h"

#include <chrono>
#include <cstdint>
#include <list>
#include <mutex>
#include <string>
#include <unordered_map>

namespace anime::service
{

/// Least recently used out first, by bytes and by age. Safe to use from several threads.
class MemoryCache
{
public:
    using Time = std::chrono::steady_clock::time_point;

    MemoryCache(std::uint64_t most_bytes, std::chrono::seconds most_age)
        : most_bytes_(most_bytes), most_age_(most_age)
    {
    }

    PicturePtr find(const std::string &key, Time now);
    /// A picture larger than the whole cache is not kept.
    void put(const std::string &key, PicturePtr picture, Time now);
    /// Drops what was last asked for too long ago.
    void expire(Time now);
    /// Drops the least recently used until at most `bytes` are left.
    void shrink(std::uint64_t bytes);
    std::uint64_t bytes() const;
    std::size_t size() const;

private:
    struct Entry {
        std::string key;
        PicturePtr picture;
        Time used;
    };
    void drop_oldest_locked();
    void shrink_locked(std::uint64_t bytes);

    const std::uint64_t most_bytes_;
    const std::chrono::seconds most_age_;
    mutable std::mutex lock_; // protects what follows
    std::list<Entry> recent_;
    std::unordered_map<std::string, std::list<Entry>::iterator> index_;
    std::uint64_t bytes_ = 0;
};

} // namespace anime::service
