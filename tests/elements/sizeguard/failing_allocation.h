// SPDX-License-Identifier: LGPL-2.1-or-later
// Makes one allocation of this thread throw. Include once in a program: it replaces operator new.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <new>

#include <dlfcn.h>

namespace anime::test
{

inline thread_local int allocations_until_failure = 0;

/// The `nth` allocation from now on throws, none for 0. True: the one that was asked for before did not come.
inline bool fail_allocation(int nth)
{
    const bool pending = allocations_until_failure > 0;
    allocations_until_failure = nth;
    return pending;
}

/// libvips' C++ wrapper loses what it has made so far where its own allocations throw: they don't count.
inline bool is_of_libvips(const void *caller)
{
    Dl_info info;
    return dladdr(caller, &info) && info.dli_fname && std::strstr(info.dli_fname, "libvips-cpp");
}

inline void *allocate_or_throw(std::size_t size, const void *caller)
{
    if (allocations_until_failure > 0 && !is_of_libvips(caller) && --allocations_until_failure == 0)
        throw std::bad_alloc();
    if (void *memory = std::malloc(size ? size : 1))
        return memory;
    throw std::bad_alloc();
}

} // namespace anime::test

void *operator new(std::size_t size)
{
    return anime::test::allocate_or_throw(size, __builtin_return_address(0));
}

void operator delete(void *memory) noexcept
{
    std::free(memory);
}

void operator delete(void *memory, std::size_t) noexcept
{
    std::free(memory);
}
