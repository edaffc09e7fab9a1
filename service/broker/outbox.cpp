// SPDX-License-Identifier: LGPL-2.1-or-later
#include "service/broker/outbox.h"

#include <algorithm>

namespace anime::service::broker
{

Outbox::Outbox(std::size_t threads)
{
    for (std::size_t i = 0; i < threads; ++i)
        threads_.emplace_back([this] { run(); });
}

void Outbox::stop()
{
    {
        const std::lock_guard guard(lock_);
        stop_ = true;
        letters_.clear();
    }
    changed_.notify_all();
    for (std::thread &thread : threads_)
        thread.join();
    threads_.clear();
}

bool Outbox::stopping() const
{
    const std::lock_guard guard(lock_);
    return stop_;
}

void Outbox::post(const std::string &key, std::function<void()> letter)
{
    {
        const std::lock_guard guard(lock_);
        if (stop_)
            return;
        letters_.push_back({key, std::move(letter)});
    }
    changed_.notify_one();
}

std::size_t Outbox::size() const
{
    const std::lock_guard guard(lock_);
    return letters_.size() + busy_.size();
}

void Outbox::run()
{
    std::unique_lock guard(lock_);
    for (;;) {
        const auto next = std::find_if(letters_.begin(), letters_.end(),
                                       [this](const Letter &letter) { return !busy_.contains(letter.key); });
        if (stop_)
            return;
        if (next == letters_.end()) {
            changed_.wait(guard);
            continue;
        }
        Letter letter = std::move(*next);
        letters_.erase(next);
        busy_.insert(letter.key);
        guard.unlock();
        letter.deliver();
        letter.deliver = nullptr; // what it holds goes now
        guard.lock();
        busy_.erase(letter.key);
        changed_.notify_all(); // another of this key may wait
    }
}

} // namespace anime::service::broker
