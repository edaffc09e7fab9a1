// SPDX-License-Identifier: LGPL-2.1-or-later
// The wall between C, libmicrohttpd and GLib, and what it calls back: no exception gets through.
#pragma once

#include <exception>
#include <functional>
#include <string>
#include <type_traits>
#include <utility>

namespace anime::service
{

using Complain = std::function<void(const std::string &)>;

/// Tells of the exception that is being handled, unless memory is too short even for that.
void complain_of_exception(const char *where, const Complain &complain) noexcept;

/// What `work` returns, or `otherwise` if it throws.
template <typename Result, typename Work>
Result behind_wall(const char *where, const Complain &complain, Result otherwise, Work work) noexcept
{
    try {
        return work();
    } catch (...) {
        complain_of_exception(where, complain);
        return otherwise;
    }
}

template <typename Work>
void behind_wall(const char *where, const Complain &complain, Work work) noexcept
{
    try {
        work();
    } catch (...) {
        complain_of_exception(where, complain);
    }
}

/// Carries an exception past C code that stands between the one that throws and the one that catches.
class Carrier
{
public:
    /// False if `work` threw: the C code should end its loop.
    template <typename Work>
    bool carry(Work work) noexcept
    {
        try {
            work();
            return true;
        } catch (...) {
            exception_ = std::current_exception();
            return false;
        }
    }
    /// On the other side.
    void rethrow()
    {
        if (exception_)
            std::rethrow_exception(std::exchange(exception_, nullptr));
    }

private:
    std::exception_ptr exception_;
};

} // namespace anime::service
