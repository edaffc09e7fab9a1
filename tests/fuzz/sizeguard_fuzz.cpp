// SPDX-License-Identifier: LGPL-2.1-or-later
// libFuzzer: any bytes, in pieces whose size the first byte chooses, end in a frame or in a code. The limits
// are low, so that what is found is a fault and not a picture that takes long.
#include "elements/sizeguard/image_guard.h"

#include <algorithm>
#include <cstdlib>
#include <vector>

namespace
{

constexpr unsigned MAX_DIMENSION = 64;

anime::Limits low_limits()
{
    anime::Limits limits;
    limits.max_source_pixels = 1'000'000;
    limits.max_dimension = MAX_DIMENSION;
    limits.max_memory = 16u << 20;
    return limits;
}

void expect(bool condition)
{
    if (!condition)
        std::abort();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size)
{
    if (size == 0)
        return 0;
    const std::size_t piece = data[0] == 0 ? size : data[0];
    anime::Bytes rest(data + 1, size - 1);
    anime::Cancellation cancellation;
    anime::ImageGuard guard(low_limits(), cancellation);
    while (!rest.empty()) {
        const std::size_t n = std::min(piece, rest.size());
        if (const auto failure = guard.feed(rest.first(n))) {
            expect(!failure->code.empty());
            return 0;
        }
        rest = rest.subspan(n);
    }
    if (const auto failure = guard.finish()) {
        expect(!failure->code.empty());
        return 0;
    }
    const anime::ImageInfo info = guard.info();
    expect(info.width >= 1 && info.width <= MAX_DIMENSION && info.height >= 1 &&
           info.height <= MAX_DIMENSION);
    std::vector<std::uint8_t> pixels(std::size_t{info.width} * info.height * 3);
    if (const auto failure =
            guard.decode({pixels.data(), static_cast<int>(info.width), static_cast<int>(info.height),
                          static_cast<std::ptrdiff_t>(info.width) * 3, 3}))
        expect(!failure->code.empty() && failure->code != "cancelled");
    return 0;
}
