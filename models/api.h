// SPDX-License-Identifier: LGPL-2.1-or-later
// What libanime-models exports. All else is hidden: the tests of its inner parts link those parts themselves.
#pragma once

#define ANIME_API __attribute__((visibility("default")))
