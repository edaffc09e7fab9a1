// SPDX-License-Identifier: LGPL-2.1-or-later
// Stops a decoder or a painter from another thread.
#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <utility>

namespace anime
{

/// Two reasons that come and go independently, from different threads: the end of a flush must not take back
/// a stop.
class Cancellation
{
public:
    /// While one of them is set, everything that looks at this stops as soon as it can.
    void set_flushing(bool flushing) { set(flushing_, flushing); }
    void set_stopping(bool stopping) { set(stopping_, stopping); }
    bool cancelled() const { return flag_; }
    /// The same, for a painter that polls it.
    const std::atomic<bool> &flag() const { return flag_; }

    /// While it lives, `on_cancel` is called once a reason is set, from the thread that sets it; at once if
    /// one is set already.
    class Watch
    {
    public:
        Watch(Cancellation &cancellation, std::function<void()> on_cancel) : cancellation_(cancellation)
        {
            const std::lock_guard guard(cancellation_.lock_);
            if (cancellation_.flag_)
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
    void set(bool &reason, bool value)
    {
        const std::lock_guard guard(lock_);
        reason = value;
        flag_ = flushing_ || stopping_;
        if (flag_ && on_cancel_)
            on_cancel_();
    }

    std::mutex lock_; ///< protects all but flag_; held during on_cancel_, so that Watch can't end under it
    bool flushing_ = false;
    bool stopping_ = false;
    std::atomic<bool> flag_ = false;
    std::function<void()> on_cancel_;
};

} // namespace anime
