// SPDX-License-Identifier: LGPL-2.1-or-later
// A thread for which the system has no further thread.
#pragma once

namespace anime::test
{

/// While it is set, this thread can start no other: pthread_create answers EAGAIN.
extern thread_local bool no_threads;

} // namespace anime::test
