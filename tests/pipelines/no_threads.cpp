// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/pipelines/no_threads.h"

#include <dlfcn.h>
#include <pthread.h>

#include <cerrno>

namespace anime::test
{

thread_local bool no_threads = false;

} // namespace anime::test

// The program's own symbol comes before the C library's, for libstdc++ too.
extern "C" __attribute__((visibility("default"))) int
pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *), void *argument)
{
    if (anime::test::no_threads)
        return EAGAIN;
    static const auto real = reinterpret_cast<decltype(&pthread_create)>(dlsym(RTLD_NEXT, "pthread_create"));
    return real(thread, attributes, run, argument);
}
