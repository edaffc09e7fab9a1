// SPDX-License-Identifier: LGPL-2.1-or-later
#include "pipelines/partial_file.h"

#include <cerrno>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <unistd.h>

namespace fs = std::filesystem;

namespace anime
{

PartialFile::PartialFile(const fs::path &output) : name_(output.parent_path() / "anime-XXXXXX.part")
{
    // The mode of an ordinary new file; mkstemp's 0600 would stay on the picture.
    const int file = g_mkstemp_full(name_.data(), O_WRONLY | O_CLOEXEC, 0666);
    if (file < 0)
        error_.assign(errno, std::generic_category());
    else
        close(file);
}

PartialFile::~PartialFile()
{
    std::error_code renamed;
    if (!error_)
        fs::remove(name_, renamed);
}

std::error_code PartialFile::rename(const fs::path &to)
{
    std::error_code error;
    fs::rename(name_, to, error);
    return error;
}

} // namespace anime
