// SPDX-License-Identifier: LGPL-2.1-or-later
// anime-bench-tone [WIDTH HEIGHT [ROUNDS]]: what tone matching costs on a frame, in milliseconds, beside
// copying that frame, in the same run. Prints the best and the median of both, and their ratio.
#include "elements/animeganfilter/tone.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

namespace
{

using namespace anime;

double milliseconds(const auto &work)
{
    const auto start = std::chrono::steady_clock::now();
    work();
    return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
}

/// Detail at every scale; the painting is a muted copy.
std::vector<std::uint8_t> picture(int width, int height, int least, int range)
{
    std::vector<std::uint8_t> out(static_cast<std::size_t>(width) * static_cast<std::size_t>(height) * 3);
    std::size_t i = 0;
    for (int y = 0; y < height; ++y)
        for (int x = 0; x < width; ++x)
            for (int c = 0; c < 3; ++c)
                out[i++] = static_cast<std::uint8_t>(
                    least + ((x * (c + 2) / 5 + (x ^ y) / (c + 1) + y / 3) & 255) * range / 255);
    return out;
}

} // namespace

int main(int count, char **arguments)
{
    const int width = count > 2 ? std::atoi(arguments[1]) : 1280;
    const int height = count > 2 ? std::atoi(arguments[2]) : 720;
    const int rounds = count > 3 ? std::atoi(arguments[3]) : 100;
    if (width < 1 || height < 1 || rounds < 1) {
        std::fprintf(stderr, "usage: anime-bench-tone [WIDTH HEIGHT [ROUNDS]]\n");
        return 2;
    }
    const std::vector<std::uint8_t> photo = picture(width, height, 0, 255);
    const std::vector<std::uint8_t> muted = picture(width, height, 36, 137);
    std::vector<std::uint8_t> painting(muted.size());
    const std::ptrdiff_t stride = std::ptrdiff_t{3} * width;
    ToneMatcher tone;
    std::vector<double> matching;
    std::vector<double> copying;
    for (int i = 0; i < rounds; ++i) {
        copying.push_back(milliseconds([&] { std::memcpy(painting.data(), muted.data(), painting.size()); }));
        matching.push_back(milliseconds([&] {
            tone.match({photo.data(), width, height, stride, 3}, {painting.data(), width, height, stride, 3},
                       ToneMatch::full);
        }));
    }
    std::sort(matching.begin(), matching.end());
    std::sort(copying.begin(), copying.end());
    const std::size_t middle = matching.size() / 2;
    std::printf("%dx%d: tone %.3f ms (median %.3f), copy %.3f ms (median %.3f), %.1f times the copy\n", width,
                height, matching.front(), matching[middle], copying.front(), copying[middle],
                matching[middle] / copying[middle]);
    return 0;
}
