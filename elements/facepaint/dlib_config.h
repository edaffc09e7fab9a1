// SPDX-License-Identifier: LGPL-2.1-or-later
// Include before any dlib header. Debian's dlib is configured to call BLAS and LAPACK; the detector needs
// neither (dlib's own code stands in for 31 decompositions of 10x10 matrices), and without them the plugin
// takes only templates from dlib: no libdlib.so and the eight libraries behind it in every process.
#pragma once

// These two read dlib's config.h, each once.
#include <dlib/assert.h>
#include <dlib/test_for_odr_violations.h>

#undef DLIB_USE_BLAS
#undef DLIB_USE_LAPACK
