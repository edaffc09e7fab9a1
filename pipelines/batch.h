// SPDX-License-Identifier: LGPL-2.1-or-later
// Which output belongs to which input: files and folders of images, as anime-run is told on its command line.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace anime
{

struct Task {
    std::filesystem::path input;
    std::filesystem::path output;
    bool operator==(const Task &) const = default;
};

/// One file and a file's name become that; everything else goes into a folder, each picture under its input's
/// name with .png (with its old extension before that, where two would get the same name). From folders come
/// the images directly in them, by extension. Without `output`: NAME-anime.png or NAME-anime/ in the current
/// folder. Throws PipelineError: input-missing, output-unsupported, output-is-input.
std::vector<Task> plan_tasks(const std::vector<std::string> &inputs, const std::string &output);

} // namespace anime
