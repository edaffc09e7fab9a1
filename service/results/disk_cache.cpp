// SPDX-License-Identifier: LGPL-2.1-or-later
#include "service/results/disk_cache.h"

#include "service/results/picture_json.h"
#include "service/text.h"

#include <nlohmann/json.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>

namespace anime::service
{

namespace
{

namespace fs = std::filesystem;

/// Those of our own files have a few hundred.
constexpr std::size_t most_header_bytes = 4096;

/// KEY.picture.ID, which put() renames once it is whole.
bool is_temporary(const fs::path &path)
{
    return path.stem().extension() == ".picture";
}

bool write_all(int file, const void *data, std::size_t size)
{
    const char *left = static_cast<const char *>(data);
    while (size > 0) {
        const ssize_t written = write(file, left, size);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return false;
        left += written;
        size -= static_cast<std::size_t>(written);
    }
    return true;
}

/// False with errno. A file for this user alone: people's photos are in there. On the disk when this returns,
/// as a name must never appear there before its content.
bool write_private(const std::string &path, const std::string &head, const Bytes &data)
{
    Descriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (!file)
        return false;
    return write_all(file.get(), head.data(), head.size()) &&
           write_all(file.get(), data.data(), data.size()) && fsync(file.get()) == 0 &&
           close(file.release()) == 0;
}

bool read_all(int file, Bytes &data, std::uint64_t offset)
{
    std::size_t done = 0;
    while (done < data.size()) {
        const ssize_t count =
            pread(file, data.data() + done, data.size() - done, static_cast<off_t>(offset + done));
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            return false;
        done += static_cast<std::size_t>(count);
    }
    return true;
}

} // namespace

struct DiskCache::File {
    fs::path path;
    fs::file_time_type used;
    std::uint64_t size;
};

/// What can be listed: a folder that fails in between has the files that it told of.
std::vector<DiskCache::File> DiskCache::files() const
{
    std::vector<File> files;
    std::error_code error;
    for (fs::directory_iterator at(folder_, error), end; !error && at != end; at.increment(error)) {
        std::error_code unreadable;
        const std::uint64_t size = at->file_size(unreadable);
        const fs::file_time_type used = at->last_write_time(unreadable);
        if (!unreadable && at->path().extension() == ".picture")
            files.push_back({at->path(), used, size});
    }
    return files;
}

DiskCache::DiskCache(std::string folder, std::uint64_t most_bytes, std::chrono::seconds most_age)
    : folder_(std::move(folder)), most_bytes_(most_bytes), most_age_(most_age)
{
    if (fs::create_directories(folder_))
        fs::permissions(folder_, fs::perms::owner_all);
    std::error_code unremovable;
    for (const auto &entry : fs::directory_iterator(folder_))
        if (is_temporary(entry.path()))
            fs::remove(entry.path(), unremovable);
    for (const File &file : files())
        bytes_ += file.size;
    expire();
    const std::lock_guard guard(lock_);
    prune_locked();
}

void DiskCache::expire()
{
    const std::lock_guard guard(lock_);
    for (const File &file : files())
        if (fs::file_time_type::clock::now() - file.used >= most_age_)
            remove_locked(file);
}

void DiskCache::remove_locked(const File &file)
{
    std::error_code error;
    if (fs::remove(file.path, error))
        bytes_ -= std::min(bytes_, file.size);
}

std::string DiskCache::path_of(const std::string &key) const
{
    return folder_ + "/" + key + ".picture";
}

std::optional<DiskCache::OpenPicture> DiskCache::open(const std::string &key)
{
    OpenPicture picture;
    picture.file = Descriptor(::open(path_of(key).c_str(), O_RDONLY | O_CLOEXEC));
    if (!picture.file)
        return std::nullopt;
    std::array<char, most_header_bytes> head{};
    struct stat status {
    };
    const ssize_t length = pread(picture.file.get(), head.data(), head.size(), 0);
    if (length < 0 || fstat(picture.file.get(), &status) != 0)
        return std::nullopt; // perhaps it can be read another time
    const auto size = static_cast<std::uint64_t>(status.st_size);
    const auto end = head.begin() + length;
    if (const auto newline = std::find(head.begin(), end, '\n'); newline != end) {
        picture.offset = static_cast<std::uint64_t>(newline - head.begin()) + 1;
        try {
            picture.info = picture_info_of(nlohmann::json::parse(head.begin(), newline));
            if (size == picture.offset + picture.info.bytes) {
                futimens(picture.file.get(), nullptr); // used: pruned last
                return picture;
            }
        } catch (const nlohmann::json::exception &) {
            // Not one of ours, or of another version.
        }
    }
    remove_damaged(key, size); // painted anew, and written again
    return std::nullopt;
}

PicturePtr DiskCache::find(const std::string &key)
{
    auto open_picture = open(key);
    if (!open_picture)
        return nullptr;
    Bytes data(open_picture->info.bytes);
    if (!read_all(open_picture->file.get(), data, open_picture->offset))
        return nullptr;
    auto picture = std::make_shared<Picture>();
    picture->info = std::move(open_picture->info);
    picture->data = std::make_shared<const Bytes>(std::move(data));
    return picture;
}

void DiskCache::remove_damaged(const std::string &key, std::uint64_t size)
{
    const std::lock_guard guard(lock_);
    std::error_code error;
    if (fs::remove(path_of(key), error))
        bytes_ -= std::min(bytes_, size);
}

std::string DiskCache::put(const std::string &key, const Picture &picture)
{
    const std::string path = path_of(key);
    const std::string temporary = path + "." + random_id();
    const std::string line = to_json(picture.info).dump() + "\n";
    if (!write_private(temporary, line, *picture.data)) {
        const std::string reason = temporary + ": " + std::strerror(errno);
        std::error_code ignored; // what could not be written may not be there to remove
        fs::remove(temporary, ignored);
        return reason;
    }
    const std::lock_guard guard(lock_);
    std::error_code error;
    const std::uint64_t before = fs::file_size(path, error);
    if (!error)
        bytes_ -= std::min(bytes_, before);
    fs::rename(temporary, path, error);
    if (error) {
        const std::string reason = path + ": " + error.message();
        fs::remove(temporary, error);
        return reason;
    }
    bytes_ += line.size() + picture.data->size();
    prune_locked();
    return {};
}

void DiskCache::prune_locked()
{
    if (bytes_ <= most_bytes_)
        return;
    std::vector<File> oldest_first = files();
    std::sort(oldest_first.begin(), oldest_first.end(),
              [](const File &a, const File &b) { return a.used < b.used; });
    for (const File &file : oldest_first) {
        // A tenth more than needed, so that not every picture from here on lists the folder.
        if (bytes_ <= most_bytes_ / 10 * 9)
            break;
        remove_locked(file);
    }
}

std::uint64_t DiskCache::bytes() const
{
    const std::lock_guard guard(lock_);
    return bytes_;
}

} // namespace anime::service
