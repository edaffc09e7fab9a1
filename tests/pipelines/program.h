// SPDX-License-Identifier: LGPL-2.1-or-later
// Other programs, run to their end.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

using Words = std::vector<std::string>;

struct Ended {
    int code = -1; ///< of a program that a signal ended: 128
    std::string out;
    std::string err;
};

/// In `folder`, or else where the test is.
Ended run(Words arguments, const std::filesystem::path &folder = {});
