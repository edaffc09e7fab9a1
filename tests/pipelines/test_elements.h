// SPDX-License-Identifier: LGPL-2.1-or-later
// Elements that misbehave on purpose, for the tests of the runner.
#pragma once

#include <gst/gst.h>

#include <atomic>

namespace anime::test
{

/// Registers, in this process only: `test-complain` (posts an error without a reason, then one with code
/// "test-reason", and fails), `test-announce` (posts an element message "test-announce" with the buffer's
/// size, and passes it on), `test-block` (holds its buffer, and ignores being stopped, until
/// `release_blocked` is set).
void register_test_elements();

extern std::atomic<bool> release_blocked;
extern std::atomic<bool> blocked;      ///< one holds its buffer by now
extern std::atomic<int> blocked_alive; ///< test-block elements that exist

} // namespace anime::test
