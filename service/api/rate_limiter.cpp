// SPDX-License-Identifier: LGPL-2.1-or-later
#include "service/api/rate_limiter.h"

#include <algorithm>
#include <cmath>

namespace anime::service
{

RateLimiter::RateLimiter(double per_minute, double burst, std::size_t most_clients)
    : per_second_(per_minute / 60), burst_(burst), most_clients_(most_clients)
{
}

std::chrono::milliseconds RateLimiter::take(const std::string &client, Time now)
{
    const std::lock_guard guard(lock_);
    if (const auto found = index_.find(client); found != index_.end()) {
        recent_.splice(recent_.begin(), recent_, found->second);
    } else {
        if (recent_.size() >= most_clients_) {
            index_.erase(recent_.back().client);
            recent_.pop_back();
        }
        recent_.push_front({client, burst_, now});
        index_[client] = recent_.begin();
    }

    Bucket &bucket = recent_.front();
    const double elapsed = std::max(0.0, std::chrono::duration<double>(now - bucket.updated).count());
    bucket.tokens = std::min(burst_, bucket.tokens + elapsed * per_second_);
    bucket.updated = now;
    if (bucket.tokens >= 1) {
        bucket.tokens -= 1;
        return std::chrono::milliseconds{0};
    }
    const double seconds = (1 - bucket.tokens) / per_second_;
    return std::chrono::milliseconds{std::max<long long>(1, std::llround(std::ceil(seconds * 1000)))};
}

std::size_t RateLimiter::clients() const
{
    const std::lock_guard guard(lock_);
    return recent_.size();
}

} // namespace anime::service
