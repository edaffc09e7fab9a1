// SPDX-License-Identifier: LGPL-2.1-or-later
// Options as a table, and reading them from a command line with GOption.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace anime::service
{

struct NumberOption {
    std::string name;
    std::int64_t *value;
    std::int64_t least;
    std::int64_t most;
    std::string help;
    std::string unit;
};

struct TextOption {
    const char *name;
    std::string *value;
    const char *help;
    const char *placeholder;
};

/// May be repeated on the command line; its variable has them separated by commas.
struct ListOption {
    const char *name;
    const char *variable;
    std::vector<std::string> *value;
    const char *help;
    const char *placeholder;
};

struct FlagOption {
    const char *name;
    bool *value;
    const char *help;
};

struct OptionTable {
    std::vector<NumberOption> numbers;
    std::vector<TextOption> texts;
    std::vector<ListOption> lists;
    std::vector<FlagOption> flags;
};

/// What a command line asks for beside the values that it sets.
struct CommandLine {
    std::string mistake; ///< a sentence; empty: none
    std::string help;    ///< the text, if --help asked for it
    bool version = false;
};

/// Sets the values that `arguments` name; `arguments` begin with the program's name. `summary` stands behind
/// that in the help, `remarks` at its end.
CommandLine read_command_line(const OptionTable &table, const std::vector<std::string> &arguments,
                              const char *summary, const char *remarks);

} // namespace anime::service
