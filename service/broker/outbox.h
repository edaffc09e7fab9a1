// SPDX-License-Identifier: LGPL-2.1-or-later
// Threads that talk to the broker for one that may not wait. What concerns the same key is done one after the
// other, in the order in which it came.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_set>
#include <vector>

namespace anime::service::broker
{

class Outbox
{
public:
    explicit Outbox(std::size_t threads);
    ~Outbox() { stop(); }
    Outbox(const Outbox &) = delete;
    Outbox &operator=(const Outbox &) = delete;

    /// `letter` must not throw.
    void post(const std::string &key, std::function<void()> letter);
    std::size_t size() const; ///< that wait or are being done
    bool stopping() const;
    /// Returns once what is being done has ended; what waits is dropped, and nothing more is taken.
    void stop();

private:
    void run();

    struct Letter {
        std::string key;
        std::function<void()> deliver;
    };
    mutable std::mutex lock_; // protects what follows
    std::condition_variable changed_;
    std::deque<Letter> letters_;
    std::unordered_set<std::string> busy_; // keys that are being worked on
    bool stop_ = false;
    std::vector<std::thread> threads_;
};

} // namespace anime::service::broker
