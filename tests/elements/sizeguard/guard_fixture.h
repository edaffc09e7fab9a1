// SPDX-License-Identifier: LGPL-2.1-or-later
// Runs an image through ImageGuard as the element does.
#pragma once

#include "elements/sizeguard/image_guard.h"
#include "tests/elements/sizeguard/test_images.h"

#include <algorithm>
#include <array>
#include <optional>

namespace anime::test
{

struct Outcome {
    std::optional<Failure> failure;
    ImageInfo info;
    Data pixels;         ///< RGB, or RGBA if asked for
    std::size_t fed = 0; ///< bytes taken before a failure
    int pixel = 3;

    std::string code() const { return failure ? failure->code : "ok"; }
    std::array<int, 4> at(unsigned x, unsigned y) const
    {
        const std::uint8_t *p = &pixels[(std::size_t{y} * info.width + x) * pixel];
        return {p[0], p[1], p[2], pixel == 4 ? p[3] : 255};
    }
};

inline Outcome run_guard(const Data &data, const Limits &limits = {}, std::size_t piece = SIZE_MAX,
                         int pixel = 3)
{
    Outcome out;
    out.pixel = pixel;
    Cancellation cancellation;
    ImageGuard guard(limits, cancellation);
    while (!out.failure && out.fed < data.size()) {
        const std::size_t size = std::min(piece, data.size() - out.fed);
        out.failure = guard.feed({data.data() + out.fed, size});
        out.fed += size;
    }
    if (!out.failure)
        out.failure = guard.finish();
    out.info = guard.info();
    if (out.failure)
        return out;
    out.pixels.resize(std::size_t{out.info.width} * out.info.height * pixel);
    out.failure =
        guard.decode({out.pixels.data(), static_cast<int>(out.info.width), static_cast<int>(out.info.height),
                      static_cast<std::ptrdiff_t>(out.info.width) * pixel, pixel});
    return out;
}

} // namespace anime::test
