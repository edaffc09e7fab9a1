// SPDX-License-Identifier: LGPL-2.1-or-later
// A file of its own beside the output, so that two runs don't write into one, and a broken output never has
// the output's name.
#pragma once

#include <filesystem>
#include <string>
#include <system_error>

namespace anime
{

/// Made in the output's folder; removed with this object unless it took a name.
class PartialFile
{
public:
    explicit PartialFile(const std::filesystem::path &output);
    /// One that is made by what writes it, of which there is one at a time.
    struct Named {
        std::filesystem::path name;
    };
    explicit PartialFile(const Named &file) : name_(file.name) {}
    ~PartialFile();
    PartialFile(const PartialFile &) = delete;
    PartialFile &operator=(const PartialFile &) = delete;

    const std::string &name() const { return name_; }
    const std::error_code &error() const { return error_; }

    /// Takes this name, replacing a file that has it.
    std::error_code rename(const std::filesystem::path &to);

private:
    std::string name_;
    std::error_code error_;
};

} // namespace anime
