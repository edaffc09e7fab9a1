// SPDX-License-Identifier: LGPL-2.1-or-later
// From what the user wrote to the weights that it means.
#include "models/weights/locate.h"

#include "models/error.h"
#include "models/weights/embedded.h"
#include "models/weights/safetensors.h"

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
    return {suffix->second, path, path.stem().string(), nullptr};
}

bool is_path(const std::string &text)
{
    return text.find('/') != std::string::npos ||
           std::any_of(suffixes.begin(), suffixes.end(),
                       [&](const auto &s) { return text.ends_with(s.first); });
}

[[noreturn]] void unknown(const std::string &name)
{
    if (const CatalogueEntry *entry = find_in_catalogue(name))
        throw Error("model-missing", "The style '" + name + "' is not downloaded.",
                    entry->url.empty() ? "Nobody offers it for download; put your copy at " +
                                             (download_folder() / (name + ".pt")).string() + "."
                                       : "Run models/fetch " + name + " in the source folder.");
    std::string known = embedded_name();
    for (const CatalogueEntry &entry : catalogue())
        known += ", " + entry.name;
    throw Error("model-missing", "No style is called '" + name + "'.",
                "Styles are " + known + "; or give the path of a .safetensors or .pt file.");
}

} // namespace

const std::string &embedded_name()
{
    static const std::string name = []() -> std::string {
        if (embedded_model().empty())
            return "default";
        const Safetensors contents = parse_safetensors(embedded_model(), "the embedded model");
        return contents.metadata.at("name");
    }();
    return name;
}

ModelSource locate_model(const std::string &name_or_path)
{
    if (is_path(name_or_path))
        return from_path(name_or_path);
    if (name_or_path == "default" || name_or_path == embedded_name())
        return {Kind::embedded, {}, embedded_name(), nullptr};

    if (!name_or_path.empty()) {
        for (const auto &[suffix, kind] : suffixes) {
            const std::filesystem::path path = download_folder() / (name_or_path + std::string(suffix));
            if (std::filesystem::exists(path))
                return {kind, path, name_or_path, find_in_catalogue(name_or_path)};
        }
    }
    unknown(name_or_path);
}

} // namespace anime
