// SPDX-License-Identifier: LGPL-2.1-or-later
// Follows the chunks of a WebP (RFC 9649). The decoder is shown only what makes the first picture: the time
// of libvips' loader grows with the square of an animation's frames, and it would parse EXIF data once more.
#include "elements/sizeguard/exif.h"
#include "elements/sizeguard/scanner.h"

#include <algorithm>
#include <array>
#include <set>
#include <string>
#include <string_view>
#include <utility>

namespace anime
{

namespace
{

using namespace std::string_view_literals;

constexpr std::size_t FILE_HEADER = 12;  // "RIFF", size, "WEBP"
constexpr std::size_t CHUNK_HEADER = 8;  // name, size
constexpr std::size_t FRAME_HEADER = 16; // of an ANMF chunk, before the chunks that it contains

class WebpScanner : public Scanner
{
public:
    explicit WebpScanner(const Limits &limits) : Scanner("WebP", limits) {}

    std::optional<Failure> advance(Bytes bytes) override
    {
        if (position_ == 0) {
            size_ = CHUNK_HEADER + little_endian_32(bytes, 4);
            if (size_ < FILE_HEADER + CHUNK_HEADER)
                return corrupt("its header declares a length of " + std::to_string(size_) + " bytes");
            position_ = FILE_HEADER;
            keep({0, FILE_HEADER});
        }
        while (!seen_last_chunk_ && bytes.size() >= position_ + CHUNK_HEADER) {
            // The chunk's size, name and the first bytes decide; the whole chunk is needed only for EXIF.
            const std::string_view name(reinterpret_cast<const char *>(bytes.data()) + position_, 4);
            const std::size_t length = little_endian_32(bytes, position_ + 4);
            const std::size_t needed = std::min(length, bytes_needed_of(name));
            if (bytes.size() < position_ + CHUNK_HEADER + needed)
                return {};
            const std::size_t end = position_ + CHUNK_HEADER + length + length % 2;
            const bool kept = makes_picture(name);
            const bool first_frame = kept && name == "ANMF";
            if ((position_ < frame_end_ && end > frame_end_) || (first_frame && length < FRAME_HEADER))
                return corrupt("a frame is shorter than what it holds");
            if (kept) {
                kept_.emplace(name);
                keep({position_, end});
                picture_end_ = position_ + CHUNK_HEADER + length;
            }
            if (auto failure = chunk(name, bytes.subspan(position_ + CHUNK_HEADER, needed)))
                return failure;
            if (first_frame)
                frame_end_ = end;
            position_ = first_frame ? position_ + CHUNK_HEADER + FRAME_HEADER : end;
            seen_last_chunk_ = position_ + CHUNK_HEADER > size_;
        }
        if (seen_last_chunk_ && bytes.size() >= size_) {
            if (!seen_picture_)
                return corrupt("it holds no picture data");
            facts_.end = size_;
            facts_.decode.back().end = std::min(facts_.decode.back().end, size_ + size_ % 2);
        }
        return {};
    }

    void end_of_file(Bytes bytes) override
    {
        if (!seen_picture_ || bytes.size() < picture_end_)
            return;
        facts_.end = bytes.size();
        facts_.ending = Ending::end_of_file;
    }

private:
    static std::size_t bytes_needed_of(std::string_view name)
    {
        if (name == "EXIF")
            return SIZE_MAX;
        return name == "ANMF" ? FRAME_HEADER : 10;
    }

    /// The first of each kind, up to the first picture. A frame is kept with all that is in it.
    bool makes_picture(std::string_view name) const
    {
        constexpr std::array KINDS{"VP8X"sv, "ICCP"sv, "ANIM"sv, "ANMF"sv, "ALPH"sv, "VP8 "sv, "VP8L"sv};
        return !seen_picture_ && frame_end_ == 0 && !kept_.contains(name) &&
               std::find(KINDS.begin(), KINDS.end(), name) != KINDS.end();
    }

    std::optional<Failure> chunk(std::string_view name, Bytes payload)
    {
        const bool first = position_ == FILE_HEADER;
        if (first && name != "VP8 " && name != "VP8L" && name != "VP8X")
            return corrupt("it does not start with picture data or a header");
        if (name == "VP8X" && first)
            return extended_header(payload);
        if (name == "VP8 ")
            return lossy_header(payload);
        if (name == "VP8L")
            return lossless_header(payload);
        if (name == "ALPH" && !seen_picture_)
            return buffers(2); // the plane, and what its lossless decoder holds
        if (name == "ICCP")
            facts_.has_profile = true;
        if (name == "EXIF" && !std::exchange(seen_exif_, true))
            facts_.orientation = exif_orientation(payload);
        return {};
    }

    std::optional<Failure> extended_header(Bytes payload)
    {
        if (payload.size() < 10)
            return corrupt("its header is too short");
        constexpr unsigned ALPHA = 0x10;
        constexpr unsigned ANIMATION = 0x02;
        facts_.width = (little_endian_32(payload, 3) >> 8) + 1;
        facts_.height = (little_endian_16(payload, 7) | payload[9] << 16) + 1;
        facts_.channels = payload[0] & ALPHA ? 4 : 3;
        if (auto failure = check_size())
            return failure;
        // Two RGBA canvases, at full size where a frame does not fill the canvas.
        return payload[0] & ANIMATION ? buffers(8) : std::nullopt;
    }

    std::optional<Failure> lossy_header(Bytes payload)
    {
        if (seen_picture_)
            return {};
        seen_picture_ = true;
        if (payload.size() < 10 || payload[3] != 0x9d || payload[4] != 0x01 || payload[5] != 0x2a)
            return corrupt("its frame header is damaged");
        return frame(little_endian_16(payload, 6) & 0x3fff, little_endian_16(payload, 8) & 0x3fff, 3);
    }

    std::optional<Failure> lossless_header(Bytes payload)
    {
        if (seen_picture_)
            return {};
        seen_picture_ = true;
        if (payload.size() < 5 || payload[0] != 0x2f)
            return corrupt("its frame header is damaged");
        const std::uint32_t bits = little_endian_32(payload, 1);
        if (auto failure = frame((bits & 0x3fff) + 1, (bits >> 14 & 0x3fff) + 1, bits >> 28 & 1 ? 4 : 3))
            return failure;
        return buffers(4); // one 32-bit pixel each
    }

    /// The size of the (first) frame, which may not exceed the canvas that the header declared.
    std::optional<Failure> frame(std::uint32_t width, std::uint32_t height, unsigned channels)
    {
        if (facts_.channels == 0) {
            facts_.width = width;
            facts_.height = height;
            facts_.channels = channels;
            return check_size();
        }
        if (width > facts_.width || height > facts_.height)
            return corrupt("its picture is larger than its header declares");
        return {};
    }

    std::optional<Failure> buffers(unsigned bytes_per_pixel)
    {
        facts_.buffered = true;
        facts_.memory += std::uint64_t{bytes_per_pixel} * facts_.width * facts_.height;
        return check_memory();
    }

    std::size_t size_ = 0;        ///< of the whole file, from its first chunk
    std::size_t picture_end_ = 0; ///< of the last chunk kept, without padding
    bool seen_last_chunk_ = false;
    bool seen_picture_ = false;
    bool seen_exif_ = false;
    std::size_t frame_end_ = 0; ///< of the first frame of an animation
    std::set<std::string, std::less<>> kept_;
};

} // namespace

std::unique_ptr<Scanner> new_webp_scanner(const Limits &limits)
{
    return std::make_unique<WebpScanner>(limits);
}

} // namespace anime
