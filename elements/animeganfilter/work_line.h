// SPDX-License-Identifier: LGPL-2.1-or-later
// Work that is done for several items at once and handed back in the order in which the items came.
#pragma once

#include <condition_variable>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace anime
{

/// One thread puts items in and takes them out; others, its own, work on them in between.
template <typename Item>
class WorkLine
{
public:
    using Work = std::function<void(Item &)>;

    explicit WorkLine(Work work) : work_(std::move(work)) {}
    ~WorkLine() { set_threads(0); }
    WorkLine(const WorkLine &) = delete;
    WorkLine &operator=(const WorkLine &) = delete;

    /// So many work; with none, as in the beginning, whoever takes an item out does its work. Drops what is
    /// in line. Throws std::system_error; there are none then.
    void set_threads(unsigned count)
    {
        clear();
        {
            const std::lock_guard guard(lock_);
            stop_ = true;
        }
        changed_.notify_all();
        for (std::thread &thread : threads_)
            thread.join();
        threads_.clear();
        stop_ = false;
        try {
            while (threads_.size() < count)
                threads_.emplace_back([this] { loop(); });
        } catch (...) {
            set_threads(0);
            throw;
        }
    }

    std::size_t size() const { return line_.size(); }
    bool empty() const { return line_.empty(); }

    void push(std::unique_ptr<Item> item)
    {
        const std::lock_guard guard(lock_);
        line_.push_back(std::make_unique<Place>(std::move(item)));
        waiting_.push_back(line_.back().get());
        changed_.notify_all();
    }

    /// The oldest item, which there has to be, once its work is done. What that threw is thrown here.
    std::unique_ptr<Item> pop()
    {
        std::unique_lock guard(lock_);
        const std::unique_ptr<Place> first = std::move(line_.front());
        line_.pop_front();
        if (threads_.empty()) {
            waiting_.pop_front(); // it is the first there too
            guard.unlock();
            work_(*first->item);
            return std::move(first->item);
        }
        changed_.wait(guard, [&] { return first->done; });
        if (first->error)
            std::rethrow_exception(first->error);
        return std::move(first->item);
    }

    /// Drops all items. Waits for the work that has begun.
    void clear()
    {
        std::unique_lock guard(lock_);
        waiting_.clear();
        changed_.wait(guard, [this] { return working_ == 0; });
        line_.clear();
    }

private:
    struct Place {
        explicit Place(std::unique_ptr<Item> item) : item(std::move(item)) {}

        std::unique_ptr<Item> item;
        std::exception_ptr error;
        bool done = false;
    };

    void loop()
    {
        std::unique_lock guard(lock_);
        while (true) {
            changed_.wait(guard, [this] { return stop_ || !waiting_.empty(); });
            if (waiting_.empty())
                return;
            Place &place = *waiting_.front();
            waiting_.pop_front();
            ++working_;
            guard.unlock();
            try {
                work_(*place.item);
            } catch (...) {
                place.error = std::current_exception();
            }
            guard.lock();
            place.done = true;
            --working_;
            changed_.notify_all();
        }
    }

    const Work work_;
    std::vector<std::thread> threads_;        ///< of whoever puts items in, as is line_
    std::deque<std::unique_ptr<Place>> line_; ///< the oldest first
    std::mutex lock_;                         ///< protects what follows
    std::condition_variable changed_;
    std::deque<Place *> waiting_; ///< nobody works on them yet
    unsigned working_ = 0;
    bool stop_ = false;
};

} // namespace anime
