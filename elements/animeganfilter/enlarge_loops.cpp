// SPDX-License-Identifier: LGPL-2.1-or-later
// Plain loops that the compiler turns into vectors, once for any CPU and once for AVX2.
#include "elements/animeganfilter/enlarge_loops.h"

#include "elements/animeganfilter/kernel_choice.h"

#include <algorithm>
#include <cstring>

namespace anime
{

namespace
{

constexpr int window = (2 * enlarge_reach + 1) * (2 * enlarge_reach + 1);
/// A change of less than a few levels is noise, and says nothing (looked at, and measured on ten photos at
/// 1280×720 painted at 740×416 and 640×360).
constexpr float noise = 5;
constexpr float most_gain = 1.5F;
constexpr float whole_gain = 128;

[[gnu::always_inline]] inline void add_row(const std::uint8_t *photo, const std::uint8_t *painting, int width,
                                           int sign, ColumnSums &sums)
{
    int *of_photo = sums.photo.data() + enlarge_reach;
    int *of_painting = sums.painting.data() + enlarge_reach;
    int *of_squares = sums.squares.data() + enlarge_reach;
    int *of_products = sums.products.data() + enlarge_reach;
    for (int x = 0; x < width; ++x)
        of_photo[x] += sign * photo[x];
    for (int x = 0; x < width; ++x)
        of_painting[x] += sign * painting[x];
    for (int x = 0; x < width; ++x)
        of_squares[x] += sign * photo[x] * photo[x];
    for (int x = 0; x < width; ++x)
        of_products[x] += sign * photo[x] * painting[x];
}

[[gnu::always_inline]] inline int of_five(const int *sums)
{
    return sums[0] + sums[1] + sums[2] + sums[3] + sums[4];
}

[[gnu::always_inline]] inline void fit_row(const ColumnSums &sums, int width, std::uint8_t *gain)
{
    const int *of_photo = sums.photo.data();
    const int *of_painting = sums.painting.data();
    const int *of_squares = sums.squares.data();
    const int *of_products = sums.products.data();
    for (int x = 0; x < width; ++x) {
        const int photo = of_five(of_photo + x);
        const int covariance = window * of_five(of_products + x) - photo * of_five(of_painting + x);
        const int variance = window * of_five(of_squares + x) - photo * photo;
        const float slope =
            static_cast<float>(covariance) / (static_cast<float>(variance) + window * window * noise);
        const auto in_128ths = static_cast<int>(whole_gain * slope);
        gain[x] = static_cast<std::uint8_t>(
            std::min(std::max(in_128ths, 0), static_cast<int>(whole_gain * most_gain)));
    }
}

[[gnu::always_inline]] inline void sharpen_row(const std::array<const std::uint8_t *, 3> &rows,
                                               const std::array<const std::uint8_t *, 3> &lumas, int width,
                                               int pixel, SharpenBuffers &buffers)
{
    const int bytes = width * pixel;
    const std::uint8_t *above = rows[0];
    const std::uint8_t *row = rows[1];
    const std::uint8_t *below = rows[2];
    std::uint8_t *least = buffers.least.data();
    std::uint8_t *most = buffers.most.data();
    for (int i = 0; i < bytes; ++i)
        least[i + pixel] = std::min(std::min(above[i], row[i]), below[i]);
    for (int i = 0; i < bytes; ++i)
        most[i + pixel] = std::max(std::max(above[i], row[i]), below[i]);
    for (int c = 0; c < pixel; ++c) {
        least[c] = least[c + pixel];
        most[c] = most[c + pixel];
        least[bytes + pixel + c] = least[bytes + c];
        most[bytes + pixel + c] = most[bytes + c];
    }

    std::int16_t *luma = buffers.luma.data();
    for (int x = 0; x < width; ++x)
        luma[x + 1] = static_cast<std::int16_t>(lumas[0][x] + lumas[1][x] + lumas[2][x]);
    luma[0] = luma[1];
    luma[width + 1] = luma[width];
    std::int16_t *more = buffers.more.data();
    for (int x = 0; x < width; ++x) {
        const int nine = luma[x] + luma[x + 1] + luma[x + 2];
        // Half of the difference from the mean: / 18, in 2048ths.
        const auto half = static_cast<std::int16_t>(((9 * lumas[1][x] - nine) * 114) >> 11);
        const std::array<std::int16_t, 4> four = {half, half, half, half};
        std::memcpy(more + x * pixel, &four, sizeof four); // the next one overwrites what is too much
    }

    std::uint8_t *sharp = buffers.sharp.data();
    for (int i = 0; i < bytes; ++i) {
        const int low = std::min(std::min(least[i], least[i + pixel]), least[i + 2 * pixel]);
        const int high = std::max(std::max(most[i], most[i + pixel]), most[i + 2 * pixel]);
        sharp[i] = static_cast<std::uint8_t>(std::min(std::max(row[i] + more[i], low), high));
    }
}

#if defined(__x86_64__)

[[gnu::target("avx2")]] void add_row_avx2(const std::uint8_t *photo, const std::uint8_t *painting, int width,
                                          int sign, ColumnSums &sums)
{
    add_row(photo, painting, width, sign, sums);
}

[[gnu::target("avx2")]] void fit_row_avx2(const ColumnSums &sums, int width, std::uint8_t *gain)
{
    fit_row(sums, width, gain);
}

[[gnu::target("avx2")]] void sharpen_row_avx2(const std::array<const std::uint8_t *, 3> &rows,
                                              const std::array<const std::uint8_t *, 3> &lumas, int width,
                                              int pixel, SharpenBuffers &buffers)
{
    sharpen_row(rows, lumas, width, pixel, buffers);
}

constexpr EnlargeLoops avx2 = {add_row_avx2, fit_row_avx2, sharpen_row_avx2};

#else

constexpr EnlargeLoops avx2 = {}; // never chosen

#endif

void add_row_plain(const std::uint8_t *photo, const std::uint8_t *painting, int width, int sign,
                   ColumnSums &sums)
{
    add_row(photo, painting, width, sign, sums);
}

void fit_row_plain(const ColumnSums &sums, int width, std::uint8_t *gain)
{
    fit_row(sums, width, gain);
}

void sharpen_row_plain(const std::array<const std::uint8_t *, 3> &rows,
                       const std::array<const std::uint8_t *, 3> &lumas, int width, int pixel,
                       SharpenBuffers &buffers)
{
    sharpen_row(rows, lumas, width, pixel, buffers);
}

} // namespace

void ColumnSums::pad()
{
    for (std::vector<int> *sums : {&photo, &painting, &squares, &products}) {
        std::fill_n(sums->begin(), enlarge_reach, (*sums)[enlarge_reach]);
        std::fill_n(sums->end() - enlarge_reach, enlarge_reach, (*sums)[sums->size() - 1 - enlarge_reach]);
    }
}

std::span<const EnlargeLoops> all_enlarge_loops()
{
    static const auto loops = kernels_for_this_cpu<EnlargeLoops>({
        {Needs::avx2, avx2},
        {Needs::nothing, {add_row_plain, fit_row_plain, sharpen_row_plain}},
    });
    return loops;
}

} // namespace anime
