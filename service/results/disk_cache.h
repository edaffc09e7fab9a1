// SPDX-License-Identifier: LGPL-2.1-or-later
// Finished pictures in a folder that the operator named, by their cache keys.
#pragma once

#include "service/descriptor.h"
#include "service/picture.h"

#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace anime::service
{

/// A folder with a file for each picture: a line of JSON, then the picture. Files are written whole or not at
/// all, also where the machine fails meanwhile, for nobody else to read, and read by whoever waits anyway,
/// never by the thread that serves HTTP.
class DiskCache
{
public:
    /// Creates `folder` if it isn't there, and clears what a process that ended in between left half written.
    /// Throws std::filesystem::filesystem_error.
    DiskCache(std::string folder, std::uint64_t most_bytes, std::chrono::seconds most_age);

    /// Nothing if there is none, or if the file isn't a whole one of ours; such a file is removed.
    PicturePtr find(const std::string &key);
    /// What went wrong if it could not be written (disk full), with its path; empty if nothing did. The
    /// picture is served all the same.
    std::string put(const std::string &key, const Picture &picture);
    /// Removes what nobody asked for in `most_age`; reads the folder, so now and then is often enough.
    void expire();
    std::uint64_t bytes() const;

    /// The same for an answer that is sent from the file: only its first page is read here.
    struct OpenPicture {
        Descriptor file;
        std::uint64_t offset = 0; ///< of the picture
        PictureInfo info;
    };
    std::optional<OpenPicture> open(const std::string &key);

private:
    struct File;
    std::vector<File> files() const;
    void remove_locked(const File &file);
    void remove_damaged(const std::string &key, std::uint64_t size);
    std::string path_of(const std::string &key) const;
    void prune_locked();

    const std::string folder_;
    const std::uint64_t most_bytes_;
    const std::chrono::seconds most_age_;
    mutable std::mutex lock_; // protects bytes_, and the folder against two prunes at once
    std::uint64_t bytes_ = 0;
};

} // namespace anime::service
