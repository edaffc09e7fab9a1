// SPDX-License-Identifier: LGPL-2.1-or-later
// Stops a decoder from another thread.
#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <utility>

namespace anime
{

class Cancellation
{
public:
    /// From now on everything that looks at this stops as soon as it can. Any thread.
    void cancel()
    {
        cancelled_ = true;
        const std::lock_guard guard(lock_);
        if (on_cancel_)
            on_cancel_();
    }
    void reset() { cancelled_ = false; }
    bool cancelled() const { return cancelled_; }

    /// While it lives, cancel() also calls `on_cancel`, from the thread that cancels; at once if it has been
    /// called before.
    class Watch
    {
    public:
        Watch(Cancellation &cancellation, std::function<void()> on_cancel) : cancellation_(cancellation)
        {
            const std::lock_guard guard(cancellation_.lock_);
            if (cancellation_.cancelled_)
                on_cancel();
            cancellation_.on_cancel_ = std::move(on_cancel);
        }
        ~Watch()
        {
            const std::lock_guard guard(cancellation_.lock_);
            cancellation_.on_cancel_ = nullptr;
        }
        Watch(const Watch &) = delete;
        Watch &operator=(const Watch &) = delete;

    private:
        Cancellation &cancellation_;
    };

private:
    std::atomic<bool> cancelled_ = false;
    std::mutex lock_; ///< protects on_cancel_; held while it is called, so that Watch can't end under it
    std::function<void()> on_cancel_;
};

} // namespace anime
