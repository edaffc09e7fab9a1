// SPDX-License-Identifier: LGPL-2.1-or-later
// Reads a zip archive by its central directory (format: PKWARE APPNOTE 6.3, sections 4.3 and 4.4).
#include "models/weights/zip.h"

#include "models/error.h"

#include <cstdint>
#include <cstring>
#include <optional>

namespace anime
{

namespace
{

constexpr std::size_t max_files = 10000;

constexpr std::uint32_t end_signature = 0x06054b50;
constexpr std::size_t end_bytes = 22;
constexpr std::size_t longest_comment = 0xFFFF;
constexpr std::uint32_t entry_signature = 0x02014b50;
constexpr std::size_t entry_bytes = 46;
constexpr std::uint32_t file_signature = 0x04034b50;
constexpr std::size_t file_bytes = 30;
constexpr std::uint16_t encrypted = 1;
constexpr std::uint16_t wide_sizes = 1; ///< the extra field of zip64
constexpr std::uint32_t see_wide = 0xFFFFFFFF;

class Archive
{
public:
    Archive(std::span<const std::byte> bytes, const std::string &source) : bytes_(bytes), source_(source) {}

    ZipFiles read() const;

private:
    [[noreturn]] void invalid(const std::string &what) const
    {
        throw Error(
            "model-invalid", "'" + source_ + "' is not a file of PyTorch's: " + what + ".",
            "Download it again. Files from before PyTorch 1.6 have to be saved again with a newer one.");
    }

    std::span<const std::byte> part(std::uint64_t offset, std::uint64_t size) const
    {
        if (offset > bytes_.size() || size > bytes_.size() - offset)
            invalid("its directory points outside of it");
        return bytes_.subspan(offset, size);
    }

    template <typename Number>
    Number number(std::uint64_t offset) const
    {
        Number value;
        std::memcpy(&value, part(offset, sizeof value).data(), sizeof value);
        return value;
    }

    std::string text(std::uint64_t offset, std::size_t size) const
    {
        return {reinterpret_cast<const char *>(part(offset, size).data()), size};
    }

    std::size_t find_end() const;
    std::uint64_t wide(std::uint64_t extra, std::size_t size, std::size_t index) const;
    std::span<const std::byte> contents(std::uint64_t file, std::uint64_t size) const;

    std::span<const std::byte> bytes_;
    const std::string &source_;
};

/// The end record is the last thing in an archive but for a comment.
std::size_t Archive::find_end() const
{
    if (bytes_.size() >= end_bytes) {
        const std::size_t last = bytes_.size() - end_bytes;
        for (std::size_t back = 0; back <= last && back <= longest_comment; ++back)
            if (number<std::uint32_t>(last - back) == end_signature)
                return last - back;
    }
    invalid("it is no zip archive, or its end is missing");
}

/// The `index`th 64-bit value of an entry's zip64 field.
std::uint64_t Archive::wide(std::uint64_t extra, std::size_t size, std::size_t index) const
{
    const std::uint64_t end = extra + size;
    while (extra + 4 <= end) {
        const auto length = number<std::uint16_t>(extra + 2);
        if (number<std::uint16_t>(extra) == wide_sizes) {
            if (8 * (index + 1) > length)
                break;
            return number<std::uint64_t>(extra + 4 + 8 * index);
        }
        extra += 4U + length;
    }
    invalid("its directory lacks a size");
}

std::span<const std::byte> Archive::contents(std::uint64_t file, std::uint64_t size) const
{
    if (number<std::uint32_t>(file) != file_signature)
        invalid("its directory points at something that is not a file");
    const std::uint64_t names = number<std::uint16_t>(file + 26) + number<std::uint16_t>(file + 28);
    part(file, file_bytes);
    return part(file + file_bytes + names, size);
}

ZipFiles Archive::read() const
{
    const std::size_t end = find_end();
    const auto count = number<std::uint16_t>(end + 10);
    if (count > max_files)
        invalid("it has more than " + std::to_string(max_files) + " files");

    ZipFiles files;
    std::uint64_t entry = number<std::uint32_t>(end + 16);
    for (std::size_t i = 0; i < count; ++i) {
        if (number<std::uint32_t>(entry) != entry_signature)
            invalid("its directory is damaged");
        const auto name_size = number<std::uint16_t>(entry + 28);
        const auto extra_size = number<std::uint16_t>(entry + 30);
        const auto comment_size = number<std::uint16_t>(entry + 32);
        const std::uint64_t extra = entry + entry_bytes + name_size;
        std::size_t wides = 0;
        const auto size_at = [&](std::uint64_t offset) -> std::uint64_t {
            const auto narrow = number<std::uint32_t>(offset);
            return narrow == see_wide ? wide(extra, extra_size, wides++) : narrow;
        };
        // In the order of the zip64 field: size, stored size, position.
        const std::uint64_t size = size_at(entry + 24);
        const std::uint64_t stored_size = size_at(entry + 20);
        const std::uint64_t position = size_at(entry + 42);
        const bool as_it_is = number<std::uint16_t>(entry + 10) == 0 && size == stored_size &&
                              !(number<std::uint16_t>(entry + 8) & encrypted);
        auto &file = files[text(entry + entry_bytes, name_size)];
        if (as_it_is)
            file = contents(position, size);
        entry = extra + extra_size + comment_size;
    }
    return files;
}

} // namespace

ZipFiles read_zip(std::span<const std::byte> archive, const std::string &source)
{
    return Archive(archive, source).read();
}

} // namespace anime
