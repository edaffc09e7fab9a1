// SPDX-License-Identifier: LGPL-2.1-or-later
#include "pipelines/batch.h"

#include "pipelines/runner.h"

#include <algorithm>
#include <array>
#include <set>
#include <string_view>

namespace fs = std::filesystem;

namespace anime
{

namespace
{

std::string lower_extension(const fs::path &path)
{
    std::string extension = path.extension();
    std::ranges::transform(extension, extension.begin(), [](unsigned char c) { return g_ascii_tolower(c); });
    return extension;
}

/// Only to choose from a folder; what a file is, sizeguard decides by its bytes.
bool is_named_like_an_image(const fs::path &path)
{
    static constexpr std::array<std::string_view, 6> known = {".jpg",  ".jpeg", ".jpe",
                                                              ".jfif", ".png",  ".webp"};
    return std::ranges::find(known, lower_extension(path)) != known.end();
}

bool is_output_format(const fs::path &path)
{
    static constexpr std::array<std::string_view, 3> known = {".png", ".jpg", ".jpeg"};
    return std::ranges::find(known, lower_extension(path)) != known.end();
}

[[noreturn]] void refuse(const char *code, const std::string &message, const std::string &remedy)
{
    RunFailure failure;
    failure.code = code;
    failure.message = message;
    failure.remedy = remedy;
    throw PipelineError(failure);
}

std::vector<fs::path> images_of(const fs::path &input)
{
    if (!fs::exists(input))
        refuse("input-missing", "There is no file or folder " + input.string() + ".", "Check its name.");
    if (!fs::is_directory(input))
        return {input};
    std::vector<fs::path> images;
    for (const fs::directory_entry &entry : fs::directory_iterator(input))
        if (entry.is_regular_file() && is_named_like_an_image(entry.path()) &&
            !entry.path().filename().string().starts_with('.'))
            images.push_back(entry.path());
    std::ranges::sort(images);
    if (images.empty())
        refuse("input-missing", "There is no image in the folder " + input.string() + ".",
               "It takes files named .jpg, .jpeg, .png and .webp; name other files one by one.");
    return images;
}

/// The last part of a path's name, also of "photos/" and ".".
std::string stem_of(const fs::path &input)
{
    fs::path path = fs::absolute(input).lexically_normal();
    if (!path.has_filename())
        path = path.parent_path();
    return fs::is_directory(input) ? path.filename() : path.stem();
}

bool is_same_file(const fs::path &a, const fs::path &b)
{
    std::error_code absent;
    return fs::equivalent(a, b, absent) && !absent;
}

} // namespace

std::vector<Task> plan_tasks(const std::vector<std::string> &inputs, const std::string &output)
{
    std::vector<fs::path> images;
    for (const std::string &input : inputs)
        std::ranges::copy(images_of(input), std::back_inserter(images));

    const bool one_file = inputs.size() == 1 && !fs::is_directory(inputs[0]);
    fs::path target = output;
    if (output.empty())
        target = stem_of(inputs[0]) + (one_file ? "-anime.png" : "-anime");
    const bool to_folder = !one_file || fs::is_directory(target) || !target.has_filename();

    std::vector<Task> tasks;
    if (!to_folder) {
        if (!is_output_format(target))
            refuse("output-unsupported",
                   "The output " + target.string() + " is no PNG or JPEG file by its name.",
                   "Name it .png or .jpg; a folder is named with a slash at the end.");
        tasks.push_back({images[0], target});
    } else {
        if ((fs::exists(target) && !fs::is_directory(target)) || is_output_format(target))
            refuse("output-unsupported", "Several pictures can't go into the file " + target.string() + ".",
                   "Name a folder after them.");
        std::set<fs::path> taken;
        for (const fs::path &image : images) {
            fs::path name = image.stem().string() + ".png";
            if (!taken.insert(name).second)
                taken.insert(name = image.filename().string() + ".png");
            tasks.push_back({image, target / name});
        }
    }

    std::set<fs::path> outputs;
    for (const Task &task : tasks) {
        if (!outputs.insert(task.output).second)
            refuse("output-is-input", "Two of the inputs are named " + task.input.filename().string() + ".",
                   "Paint them into different folders.");
        for (const fs::path &image : images)
            if (is_same_file(image, task.output))
                refuse("output-is-input", "The output " + task.output.string() + " would overwrite an input.",
                       "Name another file or folder.");
    }
    return tasks;
}

} // namespace anime
