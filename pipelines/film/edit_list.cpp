// SPDX-License-Identifier: LGPL-2.1-or-later
// ISO/IEC 14496-12: moov / trak / { edts / elst, mdia / { mdhd, hdlr } }.
#include "pipelines/film/edit_list.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <functional>
#include <stdexcept>
#include <string_view>

namespace fs = std::filesystem;

namespace anime
{

namespace
{

/// The muxer's index is in memory anyway; a film of ten hours has one of about 30 MB.
constexpr std::uint64_t most_index_bytes = 512ULL << 20;

[[noreturn]] void wrong(const std::string &what)
{
    throw std::runtime_error("the index of the file is not as expected: " + what);
}

using Index = std::vector<std::uint8_t>;

std::uint32_t read32(const Index &index, std::size_t at)
{
    if (at + 4 > index.size())
        wrong("it ends early");
    return std::uint32_t{index[at]} << 24 | std::uint32_t{index[at + 1]} << 16 |
           std::uint32_t{index[at + 2]} << 8 | index[at + 3];
}

void write32(Index &index, std::size_t at, std::uint64_t value)
{
    if (at + 4 > index.size() || value > 0x7fffffff)
        wrong("a time does not fit");
    for (std::size_t i = 0; i < 4; ++i)
        index[at + i] = static_cast<std::uint8_t>(value >> (24 - 8 * i));
}

struct Box {
    std::size_t begin; ///< of what it contains
    std::size_t end;
};

void each_box(const Index &index, Box parent, std::string_view type, const std::function<void(Box)> &visit)
{
    for (std::size_t at = parent.begin; at + 8 <= parent.end;) {
        const std::size_t size = read32(index, at);
        if (size < 8 || at + size > parent.end)
            wrong("a box is larger than its parent");
        if (std::memcmp(index.data() + at + 4, type.data(), 4) == 0)
            visit({at + 8, at + size});
        at += size;
    }
}

/// An empty one where there is none.
Box box(const Index &index, Box parent, std::string_view type)
{
    Box found = {0, 0};
    each_box(index, parent, type, [&](Box one) { found = found.end ? found : one; });
    return found;
}

Box needed(const Index &index, Box parent, std::string_view type)
{
    const Box found = box(index, parent, type);
    if (!found.end)
        wrong("it has no " + std::string(type));
    return found;
}

/// Versions 1 of these boxes have 64-bit times, which the muxer uses beyond 2^32 ticks only.
std::uint32_t timescale_of(const Index &index, Box header)
{
    return read32(index, header.begin + (index[header.begin] == 1 ? 20 : 12));
}

void cut(Index &index, Box track, std::uint32_t film_scale, std::chrono::nanoseconds priming)
{
    const Box list = needed(index, needed(index, track, "edts"), "elst");
    const Box header = needed(index, needed(index, track, "mdia"), "mdhd");
    if (index[list.begin] != 0)
        wrong("an edit list of version 1");
    const std::uint32_t entries = read32(index, list.begin + 4);
    if (entries == 0)
        wrong("an empty edit list");
    const std::size_t last = list.begin + 8 + std::size_t{12} * (entries - 1);
    const auto ticks = [&](std::uint64_t scale) {
        return (static_cast<std::uint64_t>(priming.count()) * scale + 500'000'000) / 1'000'000'000;
    };
    const std::uint32_t duration = read32(index, last);
    const std::uint64_t shorter = ticks(film_scale);
    write32(index, last, duration > shorter ? duration - shorter : 0);
    write32(index, last + 4, read32(index, last + 4) + ticks(timescale_of(index, header)));
}

struct Place {
    std::uint64_t at;
    std::uint64_t size;
};

/// Where moov's content lies in the file.
Place find_index(std::fstream &file, std::uint64_t length)
{
    for (std::uint64_t at = 0; at + 8 <= length;) {
        std::array<std::uint8_t, 16> head = {};
        file.seekg(static_cast<std::streamoff>(at));
        if (!file.read(reinterpret_cast<char *>(head.data()), at + 16 <= length ? 16 : 8))
            wrong("it can't be read");
        std::uint64_t size = 0;
        for (int i = 0; i < 4; ++i)
            size = size << 8 | head[static_cast<std::size_t>(i)];
        std::uint64_t head_size = 8;
        if (size == 1) {
            size = 0;
            for (int i = 8; i < 16; ++i)
                size = size << 8 | head[static_cast<std::size_t>(i)];
            head_size = 16;
        }
        if (size < head_size || size > length - at)
            wrong("a box is larger than the file");
        if (std::memcmp(head.data() + 4, "moov", 4) == 0)
            return {at + head_size, size - head_size};
        at += size;
    }
    wrong("there is no moov");
}

void cut_all(std::fstream &file, std::uint64_t length, const std::vector<std::chrono::nanoseconds> &priming)
{
    const Place place = find_index(file, length);
    if (place.size > most_index_bytes)
        wrong("it is too large");
    Index index(place.size);
    file.seekg(static_cast<std::streamoff>(place.at));
    if (!file.read(reinterpret_cast<char *>(index.data()), static_cast<std::streamsize>(index.size())))
        wrong("it can't be read");
    const Box all = {0, index.size()};
    const Box header = needed(index, all, "mvhd");
    const std::uint32_t film_scale = timescale_of(index, header);

    std::size_t sound = 0;
    each_box(index, all, "trak", [&](Box track) {
        const Box handler = needed(index, needed(index, track, "mdia"), "hdlr");
        if (handler.begin + 12 > handler.end || std::memcmp(index.data() + handler.begin + 8, "soun", 4) != 0)
            return;
        if (sound < priming.size() && priming[sound].count() > 0)
            cut(index, track, film_scale, priming[sound]);
        ++sound;
    });
    if (sound < priming.size())
        wrong("a sound track is missing");
    file.seekp(static_cast<std::streamoff>(place.at));
    file.write(reinterpret_cast<const char *>(index.data()), static_cast<std::streamsize>(index.size()));
    if (!file.flush())
        wrong("it can't be written");
}

} // namespace

std::optional<std::string> cut_priming(const fs::path &path,
                                       const std::vector<std::chrono::nanoseconds> &priming)
{
    if (std::ranges::all_of(priming, [](std::chrono::nanoseconds one) { return one.count() == 0; }))
        return std::nullopt;
    try {
        std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
        if (!file)
            wrong("it can't be opened");
        cut_all(file, fs::file_size(path), priming);
    } catch (const std::exception &error) {
        return error.what();
    }
    return std::nullopt;
}

} // namespace anime
