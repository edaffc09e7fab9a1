// SPDX-License-Identifier: LGPL-2.1-or-later
// Finds pipeline descriptions in ANIME_PIPELINE_PATH and in the installed folder, and reads their header
// lines.
#include "pipelines/installed.h"
#include "pipelines/runner.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <sstream>
#include <string_view>

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
    found.push_back(installed_descriptions());
    return found;
}

/// The words behind `key` in a header line; none in any other line.
std::vector<std::string> words_after(std::string_view key, const std::string &line)
{
    if (!line.starts_with(key))
        return {};
    std::istringstream rest(line.substr(key.size()));
    return {std::istream_iterator<std::string>(rest), {}};
}

void read_header_line(const std::string &line, Description &description)
{
    for (const std::string &type : words_after("# in:", line))
        if (type == "*")
            description.reads_the_rest = true;
        else
            description.in.push_back("." + type);
    for (const std::string &type : words_after("# out:", line))
        description.out.push_back("." + type);
    for (const std::string &answer : words_after("# in folders:", line))
        description.in_folders = answer != "no";
    const std::size_t end = line.find("}: ");
    if (line.starts_with("# {") && end != std::string::npos)
        description.alternatives[line.substr(3, end - 3)].push_back(line.substr(end + 3));
}

Description read(const std::string &name, std::istream &in)
{
    Description description{name};
    for (std::string line; std::getline(in, line);)
        if (line.starts_with('#'))
            read_header_line(line, description);
        else
            description.text += line + '\n';
    return description;
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
            return read(name_or_path, in);
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
