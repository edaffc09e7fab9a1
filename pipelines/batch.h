// SPDX-License-Identifier: LGPL-2.1-or-later
// Which output belongs to which input, and which description makes it: files and folders, as anime-run is
// told on its command line. What a description reads and writes is said by its header lines, and here by
// nobody.
#pragma once

#include "pipelines/runner.h"

#include <filesystem>
#include <string>
#include <vector>

namespace anime
{

struct Task {
    std::filesystem::path input;
    std::filesystem::path output;
    std::string description = {}; ///< its name
    bool operator==(const Task &) const = default;
};

/// One file and a file's name become that; everything else goes into a folder, each output under its input's
/// name (with its old extension before the new one, where two would get the same name). From folders come the
/// files directly in them whose type one of the descriptions reads. Without `output`: NAME-anime.png or
/// NAME-anime/ in the current folder.
///
/// The first description that reads the input's type and writes the output's is taken; where no output names
/// a type, the first that may be chosen so, before others one that writes the input's own type, which is then
/// kept. A single description that doesn't say its types takes every file, and keeps its type.
///
/// Throws PipelineError: input-missing, output-unsupported, output-is-input.
std::vector<Task> plan_tasks(const std::vector<std::string> &inputs, const std::string &output,
                             const std::vector<Description> &descriptions);

} // namespace anime
