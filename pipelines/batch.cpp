// SPDX-License-Identifier: LGPL-2.1-or-later
#include "pipelines/batch.h"

#include <algorithm>
#include <set>
#include <sys/stat.h>

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

[[noreturn]] void refuse(const char *code, const std::string &message, const std::string &remedy)
{
    RunFailure failure;
    failure.code = code;
    failure.message = message;
    failure.remedy = remedy;
    throw PipelineError(failure);
}

bool contains(const std::vector<std::string> &types, const std::string &type)
{
    return std::ranges::find(types, type) != types.end();
}

bool says_nothing(const Description &description)
{
    return description.in.empty() && description.out.empty() && !description.reads_the_rest;
}

/// "png, jpg or jpeg", without the dots.
std::string listed(const std::set<std::string> &types)
{
    std::string text;
    for (auto type = types.begin(); type != types.end(); ++type) {
        if (type != types.begin())
            text += std::next(type) == types.end() ? " or " : ", ";
        text += *type;
    }
    return text;
}

/// Answers by the types of files that descriptions read and write. Only names are looked at: what a file is,
/// the pipeline decides by its bytes.
class Types
{
public:
    explicit Types(const std::vector<Description> &descriptions) : descriptions_(descriptions) {}

    bool any_reads(const std::string &type) const
    {
        return std::ranges::any_of(descriptions_, [&](const Description &one) { return reads(one, type); });
    }

    /// Has this name a type that some description writes, and none that a folder might have?
    bool any_writes(const std::string &type) const
    {
        return std::ranges::any_of(descriptions_,
                                   [&](const Description &one) { return contains(one.out, type); });
    }

    const Description *making(const std::string &in, const std::string &out) const
    {
        for (const bool rest : {false, true})
            for (const Description &one : descriptions_)
                if ((rest ? takes_the_rest(one, in) : reads(one, in)) &&
                    (says_nothing(one) || contains(one.out, out)))
                    return &one;
        return nullptr;
    }

    /// The description for an input whose output is not named, and the output's type.
    std::pair<const Description *, std::string> choose(const std::string &in) const
    {
        const Description *first = nullptr;
        for (const bool rest : {false, true})
            for (const Description &one : descriptions_) {
                if (!(rest ? takes_the_rest(one, in) : reads(one, in)))
                    continue;
                if (!one.in_folders && descriptions_.size() > 1)
                    continue;
                if (says_nothing(one) || contains(one.out, in))
                    return {&one, in};
                if (!first && !one.out.empty())
                    first = &one;
            }
        return {first, first ? first->out.front() : ""};
    }

    std::set<std::string> written_from(const std::string &in) const
    {
        std::set<std::string> types;
        for (const Description &one : descriptions_)
            if (reads(one, in) || takes_the_rest(one, in))
                for (const std::string &type : one.out)
                    types.insert(type.substr(1));
        return types;
    }

    std::set<std::string> read() const
    {
        std::set<std::string> types;
        for (const Description &one : descriptions_)
            for (const std::string &type : one.in)
                types.insert(type.substr(1));
        return types;
    }

private:
    static bool reads(const Description &one, const std::string &type)
    {
        return says_nothing(one) || contains(one.in, type);
    }
    bool takes_the_rest(const Description &one, const std::string &type) const
    {
        return one.reads_the_rest && !any_reads(type);
    }

    const std::vector<Description> &descriptions_;
};

std::vector<fs::path> files_of(const fs::path &input, const Types &types)
{
    if (!fs::exists(input))
        refuse("input-missing", "There is no file or folder " + input.string() + ".", "Check its name.");
    if (!fs::is_directory(input))
        return {input};
    std::vector<fs::path> files;
    for (const fs::directory_entry &entry : fs::directory_iterator(input))
        if (entry.is_regular_file() && types.any_reads(lower_extension(entry.path())) &&
            !entry.path().filename().string().starts_with('.'))
            files.push_back(entry.path());
    std::ranges::sort(files);
    if (files.empty())
        refuse("input-missing", "There is nothing to paint in the folder " + input.string() + ".",
               "It takes files named " + listed(types.read()) + "; name other files one by one.");
    return files;
}

/// The last part of a path's name, also of "photos/" and ".".
std::string stem_of(const fs::path &input)
{
    fs::path path = fs::absolute(input).lexically_normal();
    if (!path.has_filename())
        path = path.parent_path();
    return fs::is_directory(input) ? path.filename() : path.stem();
}

/// What tells a file from every other, whatever it is called.
using Identity = std::pair<dev_t, ino_t>;

std::optional<Identity> identity_of(const fs::path &path)
{
    struct stat found = {};
    if (stat(path.c_str(), &found) != 0)
        return std::nullopt;
    return Identity{found.st_dev, found.st_ino};
}

[[noreturn]] void refuse_types(const fs::path &input, const fs::path &output, const Types &types)
{
    const std::set<std::string> possible = types.written_from(lower_extension(input));
    refuse("output-unsupported",
           "No pipeline makes " + output.string() + " of " + input.filename().string() + ", by their names.",
           possible.empty()
               ? "Name another description with --pipeline."
               : "Name it ." + listed(possible) + "; a folder is named with a slash at the end.");
}

std::vector<Task> into_folder(const std::vector<fs::path> &files, const fs::path &folder, const Types &types)
{
    std::vector<Task> tasks;
    std::set<fs::path> taken;
    for (const fs::path &file : files) {
        const auto [description, type] = types.choose(lower_extension(file));
        if (!description)
            refuse_types(file, folder, types);
        fs::path name = file.stem().string() + type;
        if (!taken.insert(name).second)
            taken.insert(name = file.filename().string() + type);
        tasks.push_back({file, folder / name, description->name});
    }
    return tasks;
}

void refuse_overwriting(const std::vector<Task> &tasks)
{
    std::set<Identity> inputs;
    for (const Task &task : tasks)
        if (const std::optional<Identity> identity = identity_of(task.input))
            inputs.insert(*identity);
    std::set<fs::path> outputs;
    for (const Task &task : tasks) {
        if (!outputs.insert(task.output).second)
            refuse("output-is-input", "Two of the inputs are named " + task.input.filename().string() + ".",
                   "Paint them into different folders.");
        const std::optional<Identity> identity = identity_of(task.output);
        if (identity && inputs.contains(*identity))
            refuse("output-is-input", "The output " + task.output.string() + " would overwrite an input.",
                   "Name another file or folder.");
    }
}

} // namespace

std::vector<Task> plan_tasks(const std::vector<std::string> &inputs, const std::string &output,
                             const std::vector<Description> &descriptions)
{
    const Types types(descriptions);
    std::vector<fs::path> files;
    for (const std::string &input : inputs)
        std::ranges::copy(files_of(input, types), std::back_inserter(files));

    const bool one_file = inputs.size() == 1 && !fs::is_directory(inputs[0]);
    fs::path target = output;
    if (output.empty())
        target = stem_of(inputs[0]) + "-anime";
    if (output.empty() && one_file)
        target += types.choose(lower_extension(inputs[0])).second;
    const bool to_folder = !one_file || fs::is_directory(target) || !target.has_filename();

    std::vector<Task> tasks;
    if (!to_folder) {
        const Description *description = types.making(lower_extension(files[0]), lower_extension(target));
        if (!description)
            refuse_types(files[0], target, types);
        tasks.push_back({files[0], target, description->name});
    } else {
        if ((fs::exists(target) && !fs::is_directory(target)) || types.any_writes(lower_extension(target)))
            refuse("output-unsupported", "Several files can't go into the file " + target.string() + ".",
                   "Name a folder after them.");
        tasks = into_folder(files, target, types);
    }
    refuse_overwriting(tasks);
    return tasks;
}

} // namespace anime
