// SPDX-License-Identifier: LGPL-2.1-or-later
#include "service/ops/memory.h"

#include <fcntl.h>
#include <malloc.h>
#include <unistd.h>

#include <array>
#include <cstdlib>

namespace anime::service
{

std::uint64_t resident_bytes()
{
    std::array<char, 128> text{};
    const int file = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return 0;
    const ssize_t length = read(file, text.data(), text.size() - 1);
    close(file);
    if (length <= 0)
        return 0;
    char *end = nullptr;
    std::strtoull(text.data(), &end, 10); // the first number is virtual memory
    return std::strtoull(end, nullptr, 10) * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

void configure_malloc()
{
    mallopt(M_ARENA_MAX, 2);
    mallopt(M_TRIM_THRESHOLD, 1 << 20);
    // Frames, uploads and cached pictures get mappings of their own, which go back at once and leave no holes
    // between what lives shorter; a fixed value also stops glibc from raising it after the first large free.
    mallopt(M_MMAP_THRESHOLD, 64 << 10);
}

void trim_memory()
{
    malloc_trim(0);
}

} // namespace anime::service
