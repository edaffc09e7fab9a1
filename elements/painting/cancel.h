// SPDX-License-Identifier: LGPL-2.1-or-later
// Whether the frame in work should be given up, and why.
#pragma once

#include <atomic>
#include <mutex>

namespace anime
{

/// Two reasons that come and go independently, from different threads: a flush must not take back a stop.
class Cancel
{
public:
    void set_flushing(bool flushing) { set(flushing_, flushing); }
    void set_stopping(bool stopping) { set(stopping_, stopping); }
    /// Polled by the painter.
    const std::atomic<bool> &flag() const { return flag_; }

private:
    void set(bool &reason, bool value)
    {
        const std::lock_guard guard(lock_);
        reason = value;
        flag_ = flushing_ || stopping_;
    }

    std::mutex lock_; ///< protects the two reasons, so that flag_ follows both
    bool flushing_ = false;
    bool stopping_ = false;
    std::atomic<bool> flag_ = false;
};

} // namespace anime
