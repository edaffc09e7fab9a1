// SPDX-License-Identifier: LGPL-2.1-or-later
// Takes an encoded image piece by piece, refuses it as soon as it is known to be unfit, and decodes it within
// bounds. No GStreamer here.
#pragma once

#include "elements/common/cancellation.h"
#include "elements/common/failure.h"
#include "elements/sizeguard/decoder.h"
#include "elements/sizeguard/image_limits.h"
#include "elements/sizeguard/memory_budget.h"
#include "elements/sizeguard/scanner.h"
#include "models/image.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace anime
{

/// What became known, for messages and logs; zero or "unknown" for what did not.
struct ImageInfo {
    std::string format = "unknown"; ///< jpeg, png, webp
    std::uint32_t source_width = 0; ///< as stored, before rotation
    std::uint32_t source_height = 0;
    unsigned channels = 0; ///< as stored
    std::uint64_t bytes = 0;
    int orientation = 1;
    std::uint32_t width = 0; ///< out, after rotation
    std::uint32_t height = 0;
    bool has_alpha = false;
    bool shrunk = false;
    ColourReport colours;
    std::uint64_t waited = 0; ///< nanoseconds, for memory that other decoders held
};

/// One image. Call announce() if the length is known, feed() for each piece, finish(), decode(). After the
/// first failure it is of no more use.
class ImageGuard
{
public:
    /// `cancellation` must outlive the guard.
    ImageGuard(const Limits &limits, Cancellation &cancellation);
    ~ImageGuard();

    /// The whole length as the source declares it, before any of it is read.
    std::optional<Failure> announce(std::uint64_t bytes);
    std::optional<Failure> feed(Bytes piece);

    /// No more pieces: the image must be complete. Then info() is, too.
    std::optional<Failure> finish();

    /// Decodes into `out`: info().width × info().height, 3 or 4 bytes a pixel; first waits for memory where
    /// other decoders of the process hold much. A failure with the code "cancelled" is no failure.
    std::optional<Failure> decode(const Image &out);

    ImageInfo info() const;

private:
    /// Bytes in one piece that grows by remapping, so that growing neither copies nor doubles them.
    class Buffer
    {
    public:
        Buffer() = default;
        ~Buffer();
        Buffer(const Buffer &) = delete;
        Buffer &operator=(const Buffer &) = delete;

        bool append(Bytes piece);
        std::span<std::uint8_t> bytes() const { return {data_, size_}; }

    private:
        std::uint8_t *data_ = nullptr;
        std::size_t size_ = 0;
        std::size_t capacity_ = 0;
    };

    std::optional<Failure> advance(bool at_end);
    std::optional<Failure> identify(bool at_end);
    Failure too_many_bytes(std::uint64_t bytes) const;
    Failure unsupported(const std::string &what, const std::string &remedy = {}) const;
    Failure truncated() const;
    Failure no_memory() const;
    Size size_out() const;

    const Limits limits_;
    Cancellation &cancellation_;
    Buffer buffer_;
    std::uint64_t bytes_ = 0; ///< all that arrived, with what follows the image's end
    ImageFormat format_ = IMAGE_NONE;
    std::unique_ptr<Scanner> scanner_;
    MemoryBudget::Share memory_{MemoryBudget::of_process()}; ///< given back behind the decoder
    std::uint64_t waited_ = 0;
    std::unique_ptr<Decoder> decoder_;
};

} // namespace anime
