// SPDX-License-Identifier: LGPL-2.1-or-later
// The thread that tells the broker that what a worker has in hand goes on, and listens for cancels.
#include "service/broker/worker.h"

namespace anime::service::broker
{

namespace
{

constexpr std::chrono::milliseconds pause{100};
/// For a pipeline that doesn't stop at its deadline, RunLimits::stop_within and some; beyond it nobody is
/// told any more that there is progress.
constexpr std::chrono::seconds hangs_after{15};

} // namespace

void Worker::keep_alive()
{
    std::optional<Subscription> cancels;
    std::uint64_t epoch = 0;
    const auto every = settings_.ack_wait / 3;
    auto next = std::chrono::steady_clock::now();
    while (!stop_) {
        try {
            if (!connection_.connected()) {
                std::this_thread::sleep_for(pause);
                continue;
            }
            if (!cancels || epoch != connection_.epoch()) {
                epoch = connection_.epoch();
                cancels.emplace(connection_.subscribe(std::string(cancel_prefix) + "*"));
                next = std::chrono::steady_clock::now();
            }
            if (std::chrono::steady_clock::now() >= next) {
                next = std::chrono::steady_clock::now() + every;
                beat();
            }
            if (const auto message = cancels->next(pause))
                heed(message->subject().substr(std::string(cancel_prefix).size()),
                     std::stoull(std::string(message->data())));
        } catch (const std::exception &) {
            // Whoever needs the broker says that it is gone.
            cancels.reset();
            std::this_thread::sleep_for(pause);
        }
    }
}

/// Tells the broker that what is in hand goes on, as long as it does, and looks whether anybody still wants
/// it.
void Worker::beat()
{
    std::list<HandPtr> hands;
    {
        const std::lock_guard guard(lock_);
        hands = hands_;
    }
    const auto now = std::chrono::steady_clock::now();
    for (const HandPtr &hand : hands)
        if (now < hand->run->deadline.load() + hangs_after)
            hand->delivery.in_progress();
    for (const HandPtr &hand : hands) {
        // Whoever holds it is telling the broker something just now.
        const std::unique_lock guard(hand->lock, std::try_to_lock);
        if (guard.owns_lock() && !hand->lost)
            refresh_locked(*hand);
    }
}

void Worker::heed(const std::string &key, std::uint64_t generation)
{
    const std::lock_guard guard(lock_);
    for (const HandPtr &hand : hands_)
        if (hand->run->key == key && hand->arrived.generation == generation)
            hand->run->cancel = true;
}

} // namespace anime::service::broker
