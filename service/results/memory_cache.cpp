// SPDX-License-Identifier: LGPL-2.1-or-later
#include "service/results/memory_cache.h"

#include <utility>

namespace anime::service
{

PicturePtr MemoryCache::find(const std::string &key, Time now)
{
    const std::lock_guard guard(lock_);
    const auto found = index_.find(key);
    if (found == index_.end())
        return nullptr;
    recent_.splice(recent_.begin(), recent_, found->second);
    found->second->used = now;
    return found->second->picture;
}

void MemoryCache::put(const std::string &key, PicturePtr picture, Time now)
{
    const std::lock_guard guard(lock_);
    const std::uint64_t size = picture->data->size();
    if (size > most_bytes_)
        return;
    if (const auto found = index_.find(key); found != index_.end()) {
        bytes_ -= found->second->picture->data->size();
        recent_.erase(found->second);
        index_.erase(found);
    }
    shrink_locked(most_bytes_ - size);
    recent_.push_front({key, std::move(picture), now});
    index_[key] = recent_.begin();
    bytes_ += size;
}

void MemoryCache::shrink(std::uint64_t bytes)
{
    const std::lock_guard guard(lock_);
    shrink_locked(bytes);
}

void MemoryCache::shrink_locked(std::uint64_t bytes)
{
    while (bytes_ > bytes)
        drop_oldest_locked();
}

void MemoryCache::drop_oldest_locked()
{
    bytes_ -= recent_.back().picture->data->size();
    index_.erase(recent_.back().key);
    recent_.pop_back();
}

void MemoryCache::expire(Time now)
{
    const std::lock_guard guard(lock_);
    while (!recent_.empty() && now - recent_.back().used >= most_age_)
        drop_oldest_locked();
}

std::uint64_t MemoryCache::bytes() const
{
    const std::lock_guard guard(lock_);
    return bytes_;
}

std::size_t MemoryCache::size() const
{
    const std::lock_guard guard(lock_);
    return recent_.size();
}

} // namespace anime::service
