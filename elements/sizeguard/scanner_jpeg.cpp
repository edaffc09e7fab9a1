// SPDX-License-Identifier: LGPL-2.1-or-later
// Follows the markers of a JPEG (ITU T.81, annex B) exactly as libjpeg does, so that both see the same image.
#include "elements/sizeguard/exif.h"
#include "elements/sizeguard/scanner.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <set>

namespace anime
{

namespace
{

enum Marker : std::uint8_t {
    TEM = 0x01,
    SOF0 = 0xc0,
    SOF1 = 0xc1,
    SOF2 = 0xc2,
    DHT = 0xc4,
    JPG = 0xc8,
    SOF9 = 0xc9,
    SOF10 = 0xca,
    DAC = 0xcc,
    SOF15 = 0xcf,
    RST0 = 0xd0,
    RST7 = 0xd7,
    SOI = 0xd8,
    EOI = 0xd9,
    SOS = 0xda,
    DNL = 0xdc,
    APP0 = 0xe0,
    APP1 = 0xe1,
    APP2 = 0xe2,
    APP15 = 0xef,
    COM = 0xfe,
};

bool is_frame_header(std::uint8_t marker)
{
    return marker >= SOF0 && marker <= SOF15 && marker != DHT && marker != JPG && marker != DAC;
}

/// Whether the decoder skips segments of this kind, so that a wrong length in them does no harm.
bool is_skipped(std::uint8_t marker)
{
    return marker == COM || marker == DNL || (marker >= APP0 && marker <= APP15);
}

/// An ICC profile in several markers (ICC.1:2022, annex B.4). libjpeg could collect it too, but walks the
/// list of all markers it has saved for each one that it saves.
class ProfileParts
{
public:
    /// `payload` of an APP2 marker lies at `position`.
    void add(Bytes payload, std::size_t position)
    {
        if (payload.size() < HEADER_SIZE || std::memcmp(payload.data(), "ICC_PROFILE", 12) != 0)
            return;
        const unsigned number = payload[12];
        const unsigned count = payload[13];
        if (count_ == 0)
            count_ = count;
        if (number == 0 || number > count || count != count_ || parts_[number].end != 0)
            broken_ = true;
        parts_[number] = {position + HEADER_SIZE, position + payload.size()};
    }

    bool present() const { return count_ != 0 || broken_; }

    /// Nothing, unless each part has come once.
    std::vector<ByteRange> complete() const
    {
        const std::vector<ByteRange> all(parts_.begin() + 1, parts_.begin() + 1 + count_);
        const bool missing =
            std::any_of(all.begin(), all.end(), [](const ByteRange &part) { return part.end == 0; });
        return broken_ || missing ? std::vector<ByteRange>{} : all;
    }

private:
    static constexpr std::size_t HEADER_SIZE = 14; // "ICC_PROFILE" with its 0, number, count

    std::array<ByteRange, 256> parts_; ///< by their numbers, from 1
    unsigned count_ = 0;
    bool broken_ = false;
};

class JpegScanner : public Scanner
{
public:
    explicit JpegScanner(const Limits &limits) : Scanner("JPEG", limits) {}

    std::optional<Failure> advance(Bytes bytes) override
    {
        if (position_ == 0)
            position_ = 2; // SOI, which sniff() has seen
        while (!complete()) {
            const bool more = in_scan_data_ ? skip_scan_data(bytes) : skip_to_marker(bytes);
            if (!more)
                return {};
            const std::uint8_t marker = bytes[position_ + 1];
            if (marker == EOI) {
                if (!all_channels_begun())
                    return corrupt("it holds no picture data for some of its colour channels");
                end_at(position_ + 2, Ending::marker);
                return {};
            }
            if (marker == SOI)
                return foreign("a second image starts inside the first");
            if (marker == TEM || (marker >= RST0 && marker <= RST7)) {
                position_ += 2;
                continue;
            }
            if (bytes.size() < position_ + 4)
                return {};
            std::size_t length = big_endian_16(bytes, position_ + 2);
            if (length < 2 && !is_skipped(marker))
                return foreign("a segment has the impossible length " + std::to_string(length));
            length = std::max<std::size_t>(length, 2); // as libjpeg takes it: there is nothing to skip
            if (bytes.size() < position_ + 2 + length)
                return {};
            if (auto failure = segment(marker, bytes.subspan(position_ + 4, length - 2)))
                return failure;
            position_ += 2 + length;
        }
        return {};
    }

    void end_of_file(Bytes bytes) override
    {
        if (in_scan_data_)
            scans_end_ = bytes.size();
        if (may_be_whole())
            end_at(bytes.size(), Ending::end_of_file);
    }

private:
    bool all_channels_begun() const
    {
        return facts_.channels != 0 && begun_components_.size() == facts_.channels;
    }

    /// Whether decoding could find all of the picture in what is there. Not with arithmetic coding: it leaves
    /// zeros at the end of its data out, so that a decoder can't tell where data is missing.
    bool may_be_whole() const { return all_channels_begun() && !arithmetic_; }

    /// What follows the last scan makes no picture, so it is not shown to the decoder.
    void end_at(std::size_t position, Ending ending)
    {
        facts_.end = position;
        facts_.ending = ending;
        facts_.decode = {{0, scans_end_}};
    }

    /// Here is something that can't be part of the image: a vendor's data behind a scan that lacks its end
    /// marker, or damage.
    std::optional<Failure> foreign(const std::string &what)
    {
        if (!may_be_whole())
            return corrupt(what);
        end_at(position_, Ending::foreign_data);
        return {};
    }

    struct Component {
        unsigned id;
        unsigned h, v; ///< sampling factors
    };

    /// The channels that a scan of these identifiers is of, as libjpeg takes them: identifiers may be equal
    /// (1, 2, 2), then the place in the scan decides. Empty: there is none of that name.
    std::vector<std::size_t> channels_of_scan(Bytes selectors) const
    {
        std::vector<std::size_t> found;
        std::vector<bool> place_taken(components_.size());
        for (std::size_t i = 0; i < selectors.size(); i += 2) {
            std::size_t c = 0;
            while (c < components_.size() && (components_[c].id != selectors[i] || place_taken[c]))
                ++c;
            if (c == components_.size() || std::find(found.begin(), found.end(), c) != found.end())
                return {};
            found.push_back(c);
            place_taken[i / 2] = true;
        }
        return found;
    }

    /// Moves to the next marker that ends the entropy-coded data. False: it has not arrived yet.
    bool skip_scan_data(Bytes bytes)
    {
        while (position_ < bytes.size()) {
            const auto *found = static_cast<const std::uint8_t *>(
                std::memchr(bytes.data() + position_, 0xff, bytes.size() - position_));
            if (!found) {
                position_ = bytes.size();
                return false;
            }
            position_ = static_cast<std::size_t>(found - bytes.data());
            if (position_ + 1 == bytes.size())
                return false;
            const std::uint8_t next = bytes[position_ + 1];
            if (next == 0xff) {
                position_ += 1;
            } else if (next == 0 || (next >= RST0 && next <= RST7)) {
                position_ += 2;
            } else {
                in_scan_data_ = false;
                scans_end_ = position_;
                return true;
            }
        }
        return false;
    }

    /// Moves to the next marker, past fill bytes and what libjpeg skips as garbage.
    bool skip_to_marker(Bytes bytes)
    {
        while (position_ + 1 < bytes.size()) {
            if (bytes[position_] == 0xff && bytes[position_ + 1] != 0xff && bytes[position_ + 1] != 0)
                return true;
            position_ += 1;
        }
        return false;
    }

    std::optional<Failure> segment(std::uint8_t marker, Bytes payload)
    {
        if (is_frame_header(marker))
            return frame_header(marker, payload);
        if (marker == SOS)
            return scan_header(payload);
        if (marker == APP1 && facts_.scans == 0 && !seen_exif_ && payload.size() > 6 &&
            std::memcmp(payload.data(), "Exif\0\0", 6) == 0) {
            seen_exif_ = true;
            facts_.orientation = exif_orientation(payload);
        }
        if (marker == APP2 && facts_.scans == 0)
            profile_.add(payload, position_ + 4);
        return {};
    }

    std::optional<Failure> frame_header(std::uint8_t marker, Bytes payload)
    {
        if (facts_.channels != 0)
            return foreign("it has two frame headers");
        if (payload.size() < 6)
            return corrupt("its frame header is too short");
        const unsigned precision = payload[0];
        facts_.height = big_endian_16(payload, 1);
        facts_.width = big_endian_16(payload, 3);
        facts_.channels = payload[5];
        if (payload.size() != 6 + 3 * facts_.channels)
            return corrupt("its frame header has the wrong length");
        if (auto failure = check_size())
            return failure;
        constexpr std::array DECODABLE{SOF0, SOF1, SOF2, SOF9, SOF10};
        if (std::find(DECODABLE.begin(), DECODABLE.end(), marker) == DECODABLE.end())
            return unsupported("lossless or hierarchical coding");
        if (precision != 8)
            return unsupported(std::to_string(precision) + " bits a sample");
        if (facts_.channels != 1 && facts_.channels != 3 && facts_.channels != 4)
            return unsupported(std::to_string(facts_.channels) + " colour channels");
        for (std::size_t i = 6; i < payload.size(); i += 3) {
            const unsigned factors = payload[i + 1];
            const Component component{payload[i], factors >> 4, factors & 15};
            if (component.h < 1 || component.h > 4 || component.v < 1 || component.v > 4)
                return corrupt("its chroma subsampling is impossible");
            components_.push_back(component);
        }
        arithmetic_ = marker == SOF9 || marker == SOF10;
        return marker == SOF2 || marker == SOF10 ? needs_all_coefficients() : std::nullopt;
    }

    std::optional<Failure> scan_header(Bytes payload)
    {
        if (facts_.channels == 0)
            return corrupt("picture data comes before the frame header");
        const std::size_t components = payload.empty() ? 0 : payload[0];
        if (components == 0 || components > facts_.channels || payload.size() != 4 + 2 * components)
            return foreign("a scan header has the wrong length");
        const std::vector<std::size_t> channels = channels_of_scan(payload.subspan(1, 2 * components));
        if (channels.empty())
            return foreign("a scan is of a colour channel that the image does not have");
        const bool first_coefficients = payload[1 + 2 * components] == 0;
        if (first_coefficients)
            begun_components_.insert(channels.begin(), channels.end());
        if (facts_.scans == 0) {
            facts_.has_profile = profile_.present();
            facts_.profile = profile_.complete();
        }
        ++facts_.scans;
        in_scan_data_ = true;
        if (Limits::exceeds(facts_.scans, limits_.max_scans))
            return Failure{.code = "size-scans",
                           .message = "The JPEG image is stored in more than " +
                                      std::to_string(limits_.max_scans) + " scans.",
                           .remedy = "Save it again as an ordinary JPEG.",
                           .debug = "max-scans",
                           .limit = limits_.max_scans,
                           .actual = facts_.scans};
        return components < facts_.channels && !facts_.buffered ? needs_all_coefficients() : std::nullopt;
    }

    /// An image in several scans is decoded once the last has been read: until then libjpeg holds a 16-bit
    /// coefficient for each sample, in whole 8×8 blocks.
    std::optional<Failure> needs_all_coefficients()
    {
        unsigned h_max = 1;
        unsigned v_max = 1;
        for (const Component &c : components_) {
            h_max = std::max(h_max, c.h);
            v_max = std::max(v_max, c.v);
        }
        const auto blocks = [](std::uint64_t samples, unsigned factor, unsigned max_factor) {
            return (samples + 8 * max_factor - 1) / (8 * max_factor) * factor;
        };
        facts_.buffered = true;
        for (const Component &c : components_)
            facts_.memory +=
                blocks(facts_.width, c.h, h_max) * blocks(facts_.height, c.v, v_max) * 64 * sizeof(short);
        return check_memory();
    }

    static Failure unsupported(const std::string &what)
    {
        return {.code = "format-unsupported",
                .message = "This is a rare kind of JPEG, with " + what + ", which is not supported.",
                .remedy = "Save it as an ordinary JPEG or PNG.",
                .debug = what};
    }

    bool in_scan_data_ = false;
    std::size_t scans_end_ = 0; ///< of the last scan so far
    bool arithmetic_ = false;
    bool seen_exif_ = false;
    ProfileParts profile_;
    std::vector<Component> components_;
    std::set<std::size_t> begun_components_; ///< those with a scan of their lowest frequency
};

} // namespace

std::unique_ptr<Scanner> new_jpeg_scanner(const Limits &limits)
{
    return std::make_unique<JpegScanner>(limits);
}

} // namespace anime
