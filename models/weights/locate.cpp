// SPDX-License-Identifier: LGPL-2.1-or-later
// From what the user wrote to the weights that it means.
#include "models/weights/locate.h"

#include "models/error.h"
#include "models/weights/embedded.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

namespace anime
{

namespace
{

using Kind = ModelSource::Kind;

constexpr std::array<std::pair<std::string_view, Kind>, 4> suffixes = {{
    {".safetensors", Kind::safetensors},
    {".pt", Kind::torch},
    {".pth", Kind::torch},
    {".torchscript", Kind::torch},
}};

ModelSource from_path(const std::filesystem::path &path)
{
    const auto suffix = std::find_if(suffixes.begin(), suffixes.end(), [&](const auto &candidate) {
        return candidate.first == path.extension().string();
    });
    if (suffix == suffixes.end())
        throw Error("model-unsupported",
                    "'" + path.string() +
                        "' has no suffix of a model: .safetensors, .pt, .pth or .torchscript.",
                    "Rename the file if it is one of these.");
    return {.kind = suffix->second, .path = path, .name = path.stem().string()};
}

bool is_path(const std::string &text)
{
    return text.find('/') != std::string::npos ||
           std::any_of(suffixes.begin(), suffixes.end(),
                       [&](const auto &s) { return text.ends_with(s.first); });
}

const ModelSource *find_embedded(const std::string &name)
{
    const auto found = std::find_if(embedded_styles().begin(), embedded_styles().end(),
                                    [&](const ModelSource &style) { return style.name == name; });
    return found == embedded_styles().end() ? nullptr : &*found;
}

[[noreturn]] void unknown(const std::string &name)
{
    if (const CatalogueEntry *entry = find_in_catalogue(name))
        throw Error("model-missing", "The style '" + name + "' is not downloaded.",
                    entry->url.empty() ? "Nobody offers it for download; put your copy at " +
                                             (download_folder() / (name + ".pt")).string() + "."
                                       : "Run models/fetch " + name + " in the source folder.");
    std::string known = "default";
    for (const ModelSource &style : embedded_styles())
        known += ", " + style.name;
    for (const CatalogueEntry &entry : catalogue())
        known += ", " + entry.name;
    throw Error("model-missing", "No style is called '" + name + "'.",
                "Styles are " + known + "; or give the path of a .safetensors or .pt file.");
}

} // namespace

const std::vector<ModelSource> &embedded_styles()
{
    static const std::vector<ModelSource> styles = [] {
        std::vector<ModelSource> found;
        for (const auto &[name, file] : embedded_models())
            found.push_back({.name = std::string(name), .embedded = file});
        std::stable_partition(found.begin(), found.end(),
                              [](const ModelSource &style) { return style.name == default_style(); });
        return found;
    }();
    return styles;
}

std::optional<ModelSource> find_downloaded(const std::string &name, std::error_code &failure)
{
    failure.clear();
    if (name.empty())
        return std::nullopt;
    for (const std::filesystem::path &folder : style_folders())
        for (const auto &[suffix, kind] : suffixes) {
            const std::filesystem::path path = folder / (name + std::string(suffix));
            if (std::filesystem::exists(path, failure))
                return ModelSource{
                    .kind = kind, .path = path, .name = name, .entry = find_in_catalogue(name)};
            if (failure)
                return std::nullopt;
        }
    return std::nullopt;
}

std::vector<std::string> downloaded_names()
{
    std::vector<std::string> names;
    for (const std::filesystem::path &folder : style_folders()) {
        std::error_code unseen;
        for (std::filesystem::directory_iterator i(folder, unseen), end; !unseen && i != end;
             i.increment(unseen))
            if (const std::string name = i->path().stem().string();
                i->path().extension() == ".safetensors" && name != "default" && !is_path(name))
                names.push_back(name);
    }
    std::sort(names.begin(), names.end());
    names.erase(std::unique(names.begin(), names.end()), names.end());
    return names;
}

ModelSource locate_model(const std::string &name_or_path)
{
    if (name_or_path == "default") {
        if (const ModelSource *style = find_embedded(default_style()))
            return *style;
        throw Error("model-missing",
                    "The default style '" + default_style() +
                        "' is not part of this build, which has no styles for non-commercial use only.",
                    "Name a model; models/fetch downloads one.");
    }
    if (is_path(name_or_path))
        return from_path(name_or_path);
    if (const ModelSource *style = find_embedded(name_or_path))
        return *style;

    std::error_code failure;
    if (const std::optional<ModelSource> downloaded = find_downloaded(name_or_path, failure))
        return *downloaded;
    if (failure)
        throw Error("model-missing",
                    "The style '" + name_or_path + "' can't be looked for in '" + download_folder().string() +
                        "': " + failure.message() + ".",
                    "Let this user enter that folder, or set XDG_DATA_HOME to one with a folder "
                    "gst-anime/models.");
    unknown(name_or_path);
}

} // namespace anime
