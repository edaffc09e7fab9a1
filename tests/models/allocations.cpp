// SPDX-License-Identifier: LGPL-2.1-or-later
// malloc and its relatives, handed on to the C library's own under the names that it exports for this.
#include "tests/models/allocations.h"

#include <atomic>
#include <cerrno>
#include <cstdint>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define ANIME_COUNTS_ALLOCATIONS 0
#else
#define ANIME_COUNTS_ALLOCATIONS 1
#endif

namespace
{

std::atomic<std::size_t> count = 0;
std::atomic<std::size_t> bytes = 0;
std::atomic<std::size_t> largest = 0;

#if ANIME_COUNTS_ALLOCATIONS
void note(std::size_t size)
{
    count.fetch_add(1, std::memory_order_relaxed);
    bytes.fetch_add(size, std::memory_order_relaxed);
    std::size_t seen = largest.load(std::memory_order_relaxed);
    while (size > seen && !largest.compare_exchange_weak(seen, size, std::memory_order_relaxed)) {
    }
}
#endif

} // namespace

#if ANIME_COUNTS_ALLOCATIONS

#define ANIME_EXPORT __attribute__((visibility("default")))

extern "C" {

void *__libc_malloc(std::size_t size);
void *__libc_calloc(std::size_t n, std::size_t size);
void *__libc_realloc(void *old, std::size_t size);
void *__libc_memalign(std::size_t alignment, std::size_t size);

ANIME_EXPORT void *malloc(std::size_t size)
{
    note(size);
    return __libc_malloc(size);
}

ANIME_EXPORT void *calloc(std::size_t n, std::size_t size)
{
    note(n * size);
    return __libc_calloc(n, size);
}

ANIME_EXPORT void *realloc(void *old, std::size_t size)
{
    note(size);
    return __libc_realloc(old, size);
}

ANIME_EXPORT void *memalign(std::size_t alignment, std::size_t size)
{
    note(size);
    return __libc_memalign(alignment, size);
}

ANIME_EXPORT void *aligned_alloc(std::size_t alignment, std::size_t size)
{
    note(size);
    return __libc_memalign(alignment, size);
}

ANIME_EXPORT int posix_memalign(void **out, std::size_t alignment, std::size_t size)
{
    note(size);
    void *made = __libc_memalign(alignment, size);
    if (!made)
        return ENOMEM;
    *out = made;
    return 0;
}
}

#endif

namespace anime::test
{

bool can_count_allocations()
{
    return ANIME_COUNTS_ALLOCATIONS;
}

Allocations take_allocations()
{
    return {count.exchange(0), bytes.exchange(0), largest.exchange(0)};
}

} // namespace anime::test
