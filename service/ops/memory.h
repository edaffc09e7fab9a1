// SPDX-License-Identifier: LGPL-2.1-or-later
// How much memory the process has, and giving back what it doesn't use.
#pragma once

#include <cstdint>

namespace anime::service
{

/// Resident bytes now, from /proc/self/statm.
std::uint64_t resident_bytes();

/// Few malloc arenas and an early trim: a service's threads come and go, and each arena keeps its peak.
/// Call before any thread starts.
void configure_malloc();

/// Gives free memory back to the system; takes milliseconds, so not for the thread that serves HTTP.
void trim_memory();

} // namespace anime::service
