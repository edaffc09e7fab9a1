// SPDX-License-Identifier: LGPL-2.1-or-later
// The command line of anime-run.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace anime
{

struct Options {
    std::string style;
    std::optional<double> strength;
    std::string pipeline;
    double stall_after = 120; ///< seconds without a frame after which a film is given up
    bool resume =
        false; ///< films go on from where they were left, and what is there already is left as it is
    std::vector<std::string> files;
};

/// Ends the process for --help, --version and wrong options.
Options parse_command_line(int argc, char **argv);

} // namespace anime
