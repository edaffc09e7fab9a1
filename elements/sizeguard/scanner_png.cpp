// SPDX-License-Identifier: LGPL-2.1-or-later
// Follows the chunks of a PNG (W3C PNG, third edition) and checks their sums. The decoder is shown only the
// chunks that make the picture: libpng would inflate a hundred text chunks of 50 KB to 50 MB each.
#include "elements/sizeguard/exif.h"
#include "elements/sizeguard/scanner.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <set>
#include <string>
#include <string_view>

#include <zlib.h>

namespace anime
{

namespace
{

using namespace std::string_view_literals;

constexpr std::size_t SIGNATURE_SIZE = 8;
constexpr std::size_t CHUNK_OVERHEAD = 12; // length, type, CRC
class PngScanner : public Scanner
{
public:
    explicit PngScanner(const Limits &limits) : Scanner("PNG", limits) {}

    std::optional<Failure> advance(Bytes bytes) override
    {
        if (position_ == 0) {
            position_ = SIGNATURE_SIZE; // which sniff() has seen
            keep({0, SIGNATURE_SIZE});
        }
        while (!complete() && bytes.size() >= position_ + 8) {
            const std::uint32_t length = big_endian_32(bytes, position_);
            const std::string_view type(reinterpret_cast<const char *>(bytes.data()) + position_ + 4, 4);
            if (auto failure = check_chunk_header(length, type))
                return failure;
            if (type == "IEND")
                return end();
            if (complete())
                return {};
            const std::size_t size = CHUNK_OVERHEAD + length;
            if (bytes.size() < position_ + size)
                return {};
            if (auto failure = chunk(type, bytes.subspan(position_, size)))
                return failure;
            position_ += size;
        }
        return {};
    }

    void end_of_file(Bytes bytes) override
    {
        const Bytes rest = bytes.subspan(position_);
        const bool inside_data = rest.size() >= 8 && std::memcmp(rest.data() + 4, "IDAT", 4) == 0;
        if (!seen_data_ || inside_data)
            return;
        facts_.end = bytes.size();
        facts_.ending = Ending::end_of_file;
    }

private:
    /// The end chunk holds nothing, so neither its rest nor its sum is waited for, and the decoder gets one
    /// of our own.
    std::optional<Failure> end()
    {
        if (!seen_data_)
            return corrupt("it holds no picture data");
        facts_.end = position_ + 8;
        return {};
    }

    std::optional<Failure> check_chunk_header(std::uint32_t length, std::string_view type)
    {
        const bool letters = std::all_of(type.begin(), type.end(), [](char c) {
            return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        });
        if (!letters || length > 0x7fffffff) {
            if (!seen_data_)
                return corrupt("it has something else where a chunk should start");
            facts_.end = position_;
            facts_.ending = Ending::foreign_data;
        }
        if (position_ != SIGNATURE_SIZE)
            return {};
        if (type == "CgBI")
            return Failure{.code = "format-unsupported",
                           .message = "This is a PNG in Apple's own variant for iPhone applications (CgBI).",
                           .remedy = "Save it as an ordinary PNG.",
                           .debug = "CgBI chunk"};
        if (type != "IHDR" || length != 13)
            return corrupt("it does not start with a header");
        return {};
    }

    /// `whole` is the chunk with its length, type and CRC.
    std::optional<Failure> chunk(std::string_view type, Bytes whole)
    {
        const Bytes payload = whole.subspan(8, whole.size() - CHUNK_OVERHEAD);
        const bool critical = type[0] >= 'A' && type[0] <= 'Z';
        const bool sound =
            crc32(crc32(0, nullptr, 0), whole.data() + 4, static_cast<uInt>(whole.size() - 8)) ==
            big_endian_32(whole, whole.size() - 4);
        if (critical && !sound)
            return corrupt("the checksum of its " + std::string(type) + " chunk is wrong");
        if (critical)
            if (auto failure = check_critical(type))
                return failure;

        if (critical || (sound && type == "tRNS" && is_first(type)))
            keep({position_, position_ + whole.size()});
        else if (sound)
            note_colours(type, payload);
        seen_palette_ = seen_palette_ || type == "PLTE";
        data_ended_ = seen_data_ && type != "IDAT";
        seen_data_ = seen_data_ || type == "IDAT";
        if (type == "eXIf" && sound && is_first(type))
            facts_.orientation = exif_orientation(payload);
        return type == "IHDR" ? header(payload) : std::nullopt;
    }

    std::optional<Failure> header(Bytes payload)
    {
        if (facts_.channels != 0)
            return corrupt("it has two headers");
        facts_.width = big_endian_32(payload, 0);
        facts_.height = big_endian_32(payload, 4);
        const unsigned depth = payload[8];
        const unsigned colour_type = payload[9];
        const unsigned interlace = payload[12];
        constexpr std::array<unsigned, 7> CHANNELS{1, 0, 3, 3, 2, 0, 4}; // by colour type; 3 is a palette
        facts_.channels = colour_type < CHANNELS.size() ? CHANNELS[colour_type] : 0;
        if (auto failure = check_size())
            return failure;
        if (facts_.channels == 0)
            return corrupt("its colour type is " + std::to_string(colour_type));
        if (interlace == 0)
            return {};
        facts_.buffered = true;
        // libvips decodes a palette to RGB, with room for an alpha channel if a tRNS chunk should follow.
        const std::uint64_t samples = colour_type == 6 ? 4 : facts_.channels + 1;
        facts_.memory = samples * (depth > 8 ? 2 : 1) * facts_.width * facts_.height;
        return check_memory();
    }

    /// The chunk's order among the others, which also bounds how many there are to keep.
    std::optional<Failure> check_critical(std::string_view type) const
    {
        if (type != "IHDR" && type != "PLTE" && type != "IDAT" && type != "IEND")
            return corrupt("it has a critical chunk of an unknown kind, " + std::string(type));
        if (type == "PLTE" && (seen_palette_ || seen_data_))
            return corrupt("it has a second palette, or one behind its picture data");
        if (type == "IDAT" && data_ended_)
            return corrupt("its picture data is interrupted by other chunks");
        return {};
    }

    /// Whether it is the first sound chunk of its kind; call once for each.
    bool is_first(std::string_view type)
    {
        if (type == "tRNS" && seen_data_)
            return false;
        return seen_.emplace(type).second;
    }

    /// Takes what says something of the colours: the first of each kind, before the picture. To look into a
    /// profile means to inflate it, so only one is looked into.
    void note_colours(std::string_view type, Bytes payload)
    {
        constexpr std::array KINDS{"cICP"sv, "iCCP"sv, "sRGB"sv, "gAMA"sv, "cHRM"sv};
        const bool known = std::find(KINDS.begin(), KINDS.end(), type) != KINDS.end();
        if (seen_data_ || !known || !is_first(type))
            return;
        PngColours &colours = facts_.png;
        if (type == "iCCP") {
            facts_.has_profile = true;
            facts_.profile = {{position_ + 8, position_ + 8 + payload.size()}};
        } else if (type == "sRGB") {
            colours.srgb = true;
        } else if (type == "cICP" && payload.size() == 4) {
            colours.cicp = {payload[0], payload[1], payload[2], payload[3]};
        } else if (type == "gAMA" && payload.size() == 4) {
            colours.gama = big_endian_32(payload, 0);
        } else if (type == "cHRM" && payload.size() == 32) {
            colours.chrm.emplace();
            for (std::size_t i = 0; i < colours.chrm->size(); ++i)
                (*colours.chrm)[i] = big_endian_32(payload, 4 * i);
        }
    }

    bool seen_palette_ = false;
    bool seen_data_ = false;
    bool data_ended_ = false;    ///< another chunk has come behind the picture data
    std::set<std::string> seen_; ///< chunks that is_first() was asked for
};

} // namespace

std::unique_ptr<Scanner> new_png_scanner(const Limits &limits)
{
    return std::make_unique<PngScanner>(limits);
}

} // namespace anime
