// SPDX-License-Identifier: LGPL-2.1-or-later
// The catalogue: read once from the embedded catalogue.json, which models/fetch reads too.
#include "models/weights/catalogue.h"

#include "models/graph/architectures.h"
#include "models/weights/embedded.h"

#include <glib.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <memory>
#include <sstream>

namespace anime
{

namespace
{

/// The file is part of the program, so what is wrong with it is a mistake of ours: parse(), value() and at()
/// throw.
nlohmann::json read_document()
{
    const std::span<const std::byte> file = embedded_catalogue();
    const auto *begin = reinterpret_cast<const char *>(file.data());
    return nlohmann::json::parse(begin, begin + file.size());
}

std::vector<CatalogueEntry> read_catalogue()
{
    const nlohmann::json document = read_document();
    std::vector<CatalogueEntry> entries;
    for (const nlohmann::json &style : document.at("published")) {
        entries.push_back({
            .name = style.at("name"),
            .description = style.at("description"),
            .architecture = style.at("architecture"),
            .licence = style.at("licence"),
            .url = style.value("url", ""),
            .git_blob_sha1 = style.at("git_blob_sha1"),
            .upsampling = parse_upsampling(style.at("upsampling").get<std::string>()).value(),
            .face_size = style.at("face_size"),
            .fidelity = style.value("fidelity", std::map<std::string, double>()),
        });
    }
    return entries;
}

struct FreeChecksum {
    void operator()(GChecksum *checksum) const { g_checksum_free(checksum); }
};

std::string digest(GChecksumType type, std::string_view prefix, std::span<const std::byte> file)
{
    const std::unique_ptr<GChecksum, FreeChecksum> checksum(g_checksum_new(type));
    g_checksum_update(checksum.get(), reinterpret_cast<const guchar *>(prefix.data()),
                      static_cast<gssize>(prefix.size()));
    g_checksum_update(checksum.get(), reinterpret_cast<const guchar *>(file.data()),
                      static_cast<gssize>(file.size()));
    return g_checksum_get_string(checksum.get());
}

} // namespace

const std::vector<CatalogueEntry> &catalogue()
{
    static const std::vector<CatalogueEntry> entries = read_catalogue();
    return entries;
}

const std::string &default_style()
{
    static const std::string name = read_document().at("default");
    return name;
}

const std::string &quick_style_of(const std::string &style)
{
    static const std::map<std::string, std::string> quick = [] {
        const nlohmann::json document = read_document();
        std::map<std::string, std::string> found;
        for (const nlohmann::json &embedded : document.at("embedded"))
            found.emplace(embedded.at("name"), embedded.value("quick", ""));
        return found;
    }();
    static const std::string none;
    const auto found = quick.find(style);
    return found == quick.end() ? none : found->second;
}

const CatalogueEntry *find_in_catalogue(std::string_view name)
{
    const auto found = std::find_if(catalogue().begin(), catalogue().end(),
                                    [&](const CatalogueEntry &entry) { return entry.name == name; });
    return found == catalogue().end() ? nullptr : &*found;
}

const CatalogueEntry *identify(std::span<const std::byte> file)
{
    const std::string sum = git_blob_sha1(file);
    const auto found = std::find_if(catalogue().begin(), catalogue().end(),
                                    [&](const CatalogueEntry &entry) { return entry.git_blob_sha1 == sum; });
    return found == catalogue().end() ? nullptr : &*found;
}

std::filesystem::path download_folder()
{
    // g_get_user_data_dir() reads the environment only once; a test sets its own folder.
    const char *home = g_getenv("XDG_DATA_HOME");
    const std::filesystem::path data = home && *home
                                           ? std::filesystem::path(home)
                                           : std::filesystem::path(g_get_home_dir()) / ".local" / "share";
    return data / "gst-anime" / "models";
}

std::vector<std::filesystem::path> style_folders()
{
    std::vector<std::filesystem::path> folders = {download_folder()};
    const char *list = g_getenv("XDG_DATA_DIRS");
    std::istringstream data(list && *list ? list : "/usr/local/share:/usr/share");
    for (std::string folder; std::getline(data, folder, ':');)
        if (folder.starts_with('/')) // what is relative is invalid, says the specification
            folders.push_back(std::filesystem::path(folder) / "gst-anime" / "models");
    return folders;
}

std::string git_blob_sha1(std::span<const std::byte> file)
{
    std::string prefix = "blob " + std::to_string(file.size());
    prefix.push_back('\0');
    return digest(G_CHECKSUM_SHA1, prefix, file);
}

std::string sha256(std::span<const std::byte> file)
{
    return digest(G_CHECKSUM_SHA256, {}, file);
}

} // namespace anime
