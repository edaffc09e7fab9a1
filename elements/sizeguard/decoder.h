// SPDX-License-Identifier: LGPL-2.1-or-later
// From encoded bytes that a Scanner has passed to upright 8-bit sRGB pixels no larger than asked for.
#pragma once

#include "elements/common/cancellation.h"
#include "elements/common/failure.h"
#include "elements/sizeguard/colours.h"
#include "elements/sizeguard/scanner.h"
#include "models/image.h"

#include <memory>
#include <optional>

namespace anime
{

/// `source`, reduced so that its longest side is at most `max_dimension` (0: no limit); never enlarged.
Size bounded_size(Size source, unsigned max_dimension);

class Decoder
{
public:
    /// All must outlive the decoder, which moves the parts of a WebP that it needs to the front of `bytes`.
    Decoder(ImageFormat format, std::span<std::uint8_t> bytes, const ImageFacts &facts,
            const Cancellation &cancellation);
    ~Decoder();

    /// Prepares to decode to `size`, in the orientation of the file. Reads no pixels.
    std::optional<Failure> open(Size size);

    /// After open(): whether the image has an alpha channel.
    bool has_alpha() const;

    /// After open(): how the colours were understood.
    const ColourReport &colours() const;

    /// Decodes and turns the picture by EXIF `orientation`. `out` has the size given to open(), swapped for
    /// orientations above 4, and 3 or 4 bytes a pixel; transparent parts become white if it has 3.
    /// A failure with the code "cancelled" is no failure. Call once.
    std::optional<Failure> decode(const Image &out, int orientation, Cancellation &cancellation);

private:
    struct State;
    std::unique_ptr<State> state_;
};

} // namespace anime
