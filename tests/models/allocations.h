// SPDX-License-Identifier: LGPL-2.1-or-later
// Counts what a program allocates, in every thread and every library: the executable that links
// allocations.cpp replaces malloc and its relatives.
#pragma once

#include <cstddef>

namespace anime::test
{

struct Allocations {
    std::size_t count = 0;
    std::size_t bytes = 0;   ///< of all of them, freed or not
    std::size_t largest = 0; ///< in bytes
};

/// False under a sanitizer, whose own malloc has to stay.
bool can_count_allocations();

/// What was allocated since the last call, or since the program began.
Allocations take_allocations();

} // namespace anime::test
