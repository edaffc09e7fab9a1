// SPDX-License-Identifier: LGPL-2.1-or-later
// Finds pipeline descriptions in ANIME_PIPELINE_PATH and in the installed folder.
#include "pipelines/runner.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

namespace fs = std::filesystem;

namespace anime
{

namespace
{

constexpr const char *suffix = ".launch";

std::vector<fs::path> folders()
{
    std::vector<fs::path> found;
    if (const char *path = std::getenv("ANIME_PIPELINE_PATH")) {
        std::istringstream list(path);
        for (std::string folder; std::getline(list, folder, ':');)
            if (!folder.empty())
                found.emplace_back(folder);
    }
    found.emplace_back(ANIME_PIPELINE_DIR);
    return found;
}

std::string without_comments(std::istream &in)
{
    std::string text;
    for (std::string line; std::getline(in, line);)
        if (!line.starts_with('#'))
            text += line + '\n';
    return text;
}

std::string joined(const std::vector<std::string> &names)
{
    std::string text;
    for (const std::string &name : names)
        text += (text.empty() ? "" : ", ") + name;
    return text.empty() ? "none" : text;
}

} // namespace

Description load_description(const std::string &name_or_path)
{
    std::vector<fs::path> candidates;
    const bool is_path = name_or_path.find('/') != std::string::npos || name_or_path.ends_with(suffix);
    if (is_path)
        candidates.emplace_back(name_or_path);
    else
        for (const fs::path &folder : folders())
            candidates.push_back(folder / (name_or_path + suffix));

    for (const fs::path &candidate : candidates) {
        std::error_code ignored;
        if (!fs::is_regular_file(candidate, ignored))
            continue;
        std::ifstream in(candidate);
        if (in)
            return {name_or_path, without_comments(in)};
    }

    RunFailure failure;
    failure.code = "description-missing";
    failure.message = "There is no pipeline description \"" + name_or_path + "\".";
    failure.remedy =
        is_path ? "Name a readable .launch file." : "There are: " + joined(description_names()) + ".";
    throw PipelineError(failure);
}

std::vector<std::string> description_names()
{
    std::set<std::string> names;
    for (const fs::path &folder : folders()) {
        std::error_code unreadable;
        for (const fs::directory_entry &entry : fs::directory_iterator(folder, unreadable))
            if (entry.path().extension() == suffix)
                names.insert(entry.path().stem());
    }
    return {names.begin(), names.end()};
}

} // namespace anime
