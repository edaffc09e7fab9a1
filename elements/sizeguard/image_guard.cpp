// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/sizeguard/image_guard.h"

#include "elements/common/stopwatch.h"
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace anime
{

namespace
{

constexpr std::uint8_t PADDING = 0;

std::string in_mib(std::uint64_t bytes)
{
    char text[32];
    std::snprintf(text, sizeof text, "%.2f MiB", static_cast<double>(bytes) / (1 << 20));
    return text;
}

} // namespace

ImageGuard::Buffer::~Buffer()
{
    std::free(data_);
}

bool ImageGuard::Buffer::append(Bytes piece)
{
    constexpr std::size_t FIRST_CAPACITY = 64 << 10;
    if (piece.size() > capacity_ - size_) {
        const std::size_t capacity =
            std::max({FIRST_CAPACITY, capacity_ + capacity_ / 2, size_ + piece.size()});
        void *grown = std::realloc(data_, capacity);
        if (!grown)
            return false;
        data_ = static_cast<std::uint8_t *>(grown);
        capacity_ = capacity;
    }
    if (!piece.empty())
        std::memcpy(data_ + size_, piece.data(), piece.size());
    size_ += piece.size();
    return true;
}

ImageGuard::ImageGuard(const Limits &limits, Cancellation &cancellation)
    : limits_(limits), cancellation_(cancellation)
{
}

ImageGuard::~ImageGuard() = default;

std::optional<Failure> ImageGuard::announce(std::uint64_t bytes)
{
    if (Limits::exceeds(bytes, limits_.max_bytes))
        return too_many_bytes(bytes);
    return {};
}

std::optional<Failure> ImageGuard::feed(Bytes piece)
{
    // Only up to the limit, so that an image's own faults are found in the same order in pieces of any size.
    Bytes allowed = piece;
    if (limits_.max_bytes != 0)
        allowed = piece.first(std::min<std::uint64_t>(piece.size(), limits_.max_bytes - bytes_));
    bytes_ += allowed.size();
    constexpr std::size_t SLICE = 1 << 20; // a few milliseconds of work
    for (Bytes rest = allowed; !rest.empty(); rest = rest.subspan(std::min(SLICE, rest.size()))) {
        if (cancellation_.cancelled())
            return Failure{.code = "cancelled"};
        // What follows the image (a gain map, the film of a moving photo) counts, but is not kept.
        if (scanner_ && scanner_->complete())
            break;
        if (!buffer_.append(rest.first(std::min(SLICE, rest.size()))))
            return no_memory();
        if (auto failure = advance(false))
            return failure;
    }
    if (allowed.size() < piece.size()) {
        bytes_ += piece.size() - allowed.size();
        return too_many_bytes(bytes_);
    }
    return {};
}

std::optional<Failure> ImageGuard::advance(bool at_end)
{
    if (!scanner_)
        if (auto failure = identify(at_end))
            return failure;
    return scanner_ ? scanner_->advance(buffer_.bytes()) : std::nullopt;
}

std::optional<Failure> ImageGuard::identify(bool at_end)
{
    constexpr std::size_t ENOUGH_FOR_A_NAME = 64; // with a dozen compatible brands of a media file
    const Sniffed what = sniff(buffer_.bytes());
    if (what.undecided)
        return at_end ? std::optional(truncated()) : std::nullopt;
    format_ = what.format;
    if (format_ == IMAGE_NONE)
        return at_end || buffer_.bytes().size() >= ENOUGH_FOR_A_NAME
                   ? std::optional(unsupported(what.looks_like, what.remedy))
                   : std::nullopt;
    if (!(limits_.formats & format_))
        return unsupported("a " + format_names(format_) + " image");
    scanner_ = format_ == IMAGE_JPEG  ? new_jpeg_scanner(limits_)
               : format_ == IMAGE_PNG ? new_png_scanner(limits_)
                                      : new_webp_scanner(limits_);
    return {};
}

std::optional<Failure> ImageGuard::finish()
{
    if (bytes_ == 0)
        return Failure{.code = "image-empty",
                       .message = "The file is empty.",
                       .remedy = "Send the image again.",
                       .debug = "end of stream before any data"};
    if (auto failure = advance(true))
        return failure;
    if (!scanner_->complete())
        scanner_->end_of_file(buffer_.bytes());
    if (!scanner_->complete())
        return truncated();
    // A WebP may end without the byte that would make the length of its last chunk even.
    if (scanner_->facts().decode.back().end > buffer_.bytes().size() && !buffer_.append(Bytes(&PADDING, 1)))
        return no_memory();
    decoder_ = std::make_unique<Decoder>(format_, buffer_.bytes(), scanner_->facts(), cancellation_);
    return decoder_->open(size_out());
}

std::optional<Failure> ImageGuard::decode(const Image &out)
{
    const Stopwatch waiting;
    if (!memory_.take(scanner_->facts().memory, limits_.max_memory, cancellation_))
        return Failure{.code = "cancelled"};
    waited_ = waiting.ns();
    return decoder_->decode(out, limits_.auto_rotate ? scanner_->facts().orientation : 1, cancellation_);
}

Size ImageGuard::size_out() const
{
    const ImageFacts &facts = scanner_->facts();
    return bounded_size({facts.width, facts.height}, limits_.max_dimension);
}

ImageInfo ImageGuard::info() const
{
    ImageInfo info;
    info.bytes = bytes_;
    info.waited = waited_;
    if (!scanner_)
        return info;
    info.format = format_ == IMAGE_JPEG ? "jpeg" : format_ == IMAGE_PNG ? "png" : "webp";
    const ImageFacts &facts = scanner_->facts();
    info.source_width = facts.width;
    info.source_height = facts.height;
    info.channels = facts.channels;
    info.orientation = facts.orientation;
    if (!decoder_)
        return info;
    Size out = size_out();
    info.shrunk = out != Size{facts.width, facts.height};
    if (limits_.auto_rotate && facts.orientation > 4)
        std::swap(out.width, out.height);
    info.width = out.width;
    info.height = out.height;
    info.has_alpha = decoder_->has_alpha();
    info.colours = decoder_->colours();
    return info;
}

Failure ImageGuard::too_many_bytes(std::uint64_t bytes) const
{
    return {.code = "size-bytes",
            .message = "The file has " + in_mib(bytes) + " or more, and the limit is " +
                       in_mib(limits_.max_bytes) + ".",
            .remedy = "Save it with a lower quality or a smaller size.",
            .debug = "max-bytes",
            .limit = limits_.max_bytes,
            .actual = bytes};
}

Failure ImageGuard::unsupported(const std::string &what, const std::string &remedy) const
{
    return {.code = "format-unsupported",
            .message = "This is not an image that can be opened here; it looks like " + what + ".",
            .remedy = "Send one of these: " + format_names(limits_.formats) + "." +
                      (remedy.empty() ? "" : " ") + remedy,
            .debug = what};
}

Failure ImageGuard::truncated() const
{
    return truncated_image(format_names(format_), bytes_, "no end marker");
}

Failure ImageGuard::no_memory() const
{
    return {.code = "out-of-memory",
            .message = "There is not enough memory for the image file.",
            .remedy = "Try again later, or send a smaller file.",
            .debug = std::to_string(bytes_) + " bytes"};
}

} // namespace anime
