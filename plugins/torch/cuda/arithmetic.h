// SPDX-License-Identifier: LGPL-2.1-or-later
// The arithmetic of every step but the large convolutions: what one thread of its kernel does. kernels.cu
// deals these out to a GPU's threads, the tests call them in loops. Reductions say how many threads share a
// sum.
#pragma once

#include "plugins/torch/cuda/both.h"
#include "plugins/torch/cuda/steps.h"

#include <cmath>

namespace anime::cuda
{

/// The channels that a thread handles at once: 16 bytes in half precision.
constexpr int group = 8;

/// models/padding.h has it for the host.
ANIME_BOTH int mirror(int i, int n)
{
    if (n == 1)
        return 0;
    const int period = 2 * (n - 1);
    i %= period;
    i = i < 0 ? i + period : i;
    return i < n ? i : period - i;
}

/// For borders smaller than the value, which all but the picture's are.
ANIME_BOTH int mirror_once(int i, int n)
{
    i = i < 0 ? -i : i;
    return i < n ? i : 2 * (n - 1) - i;
}

ANIME_BOTH float activate(float x, float slope)
{
    return fmaxf(x, slope * x);
}

template <int N>
ANIME_BOTH void activate(Lanes<N> &x, float slope)
{
    for (int i = 0; i < N; ++i)
        x.at[i] = activate(x.at[i], slope);
}

/// x · scale + shift by channel; null: 1 and 0.
template <int N>
ANIME_BOTH void transform(Lanes<N> &x, const float *scale, const float *shift, int channel)
{
    if (scale) {
        const Lanes<N> by = load<N>(scale + channel);
        for (int i = 0; i < N; ++i)
            x.at[i] *= by.at[i];
    }
    if (shift) {
        const Lanes<N> by = load<N>(shift + channel);
        for (int i = 0; i < N; ++i)
            x.at[i] += by.at[i];
    }
}

/// Channel `c` of the network's pixel (x, y), in [-1, 1].
ANIME_BOTH float read_pixel(const Picture &p, int x, int y, int c)
{
    if (p.planes)
        return p.planes[(static_cast<long>(c) * p.network_height + y) * p.network_width + x];
    const long pixel = static_cast<long>(mirror(y, p.height)) * p.width + mirror(x, p.width);
    return static_cast<float>(p.bytes[pixel * p.pixel + c]) / 127.5F - 1.0F;
}

template <typename T>
ANIME_BOTH void run_item(const Read &s, int column, int row)
{
    const int f = s.factor;
    const int y = mirror(row - s.top, s.picture.network_height / f) * f;
    const int x = mirror(column - s.left, s.picture.network_width / f) * f;
    T *out = static_cast<T *>(s.out) + (static_cast<long>(row) * s.columns + column) * s.channels;
    for (int first = 0; first < s.channels; first += 4) {
        Lanes<4> values;
        for (int i = 0; i < 4; ++i) {
            const int c = first + i;
            const int place = c % (f * f);
            values.at[i] =
                c < 3 * f * f ? read_pixel(s.picture, x + place % f, y + place / f, c / (f * f)) : 0.0F;
        }
        store<4>(out + first, values);
    }
}

/// The share of thread `lane` of `lanes` in the sums of cell `cell`; returns how many pixels the cell has.
ANIME_BOTH int thumbnail_sums(const Thumbnail &s, int cell, int lane, int lanes, float (&sums)[3])
{
    const auto first = [&](int i, int n) { return static_cast<int>(static_cast<long>(i) * n / s.side); };
    const auto last = [&](int i, int n) {
        return static_cast<int>((static_cast<long>(i + 1) * n + s.side - 1) / s.side);
    };
    const int i = cell / s.side;
    const int j = cell % s.side;
    const int top = first(i, s.picture.network_height);
    const int left = first(j, s.picture.network_width);
    const int rows = last(i, s.picture.network_height) - top;
    const int columns = last(j, s.picture.network_width) - left;
    for (int n = lane; n < rows * columns; n += lanes)
        for (int c = 0; c < 3; ++c)
            sums[c] += read_pixel(s.picture, left + n % columns, top + n / columns, c);
    return rows * columns;
}

ANIME_BOTH void run_item(const SmallConv &s, int item)
{
    const int o = item % s.channels;
    const int x = item / s.channels % s.out_width * s.stride - s.left;
    const int y = item / s.channels / s.out_width * s.stride - s.top;
    float sum = s.bias ? s.bias[o] : 0.0F;
    for (int v = 0; v < s.kernel; ++v)
        for (int u = 0; u < s.kernel; ++u) {
            const float *in =
                s.in + (static_cast<long>(mirror(y + v, s.height)) * s.width + mirror(x + u, s.width)) *
                           s.in_channels;
            const float *weights =
                s.weights + (static_cast<long>(o) * s.in_channels * s.kernel + v) * s.kernel + u;
            for (int c = 0; c < s.in_channels; ++c)
                sum += in[c] * weights[c * s.kernel * s.kernel];
        }
    s.out[item] = activate(sum, s.slope);
}

ANIME_BOTH void run_item(const Mean &s, int channel)
{
    float sum = 0;
    for (int pixel = 0; pixel < s.pixels; ++pixel)
        sum += s.in[pixel * s.channels + channel];
    s.out[channel] = sum / static_cast<float>(s.pixels);
}

ANIME_BOTH void run_item(const Linear &s, int output)
{
    float sum = s.bias ? s.bias[output] : 0.0F;
    for (int i = 0; i < s.inputs; ++i)
        sum += s.weights[output * s.inputs + i] * s.in[i];
    s.out[output] = activate(sum, s.slope);
}

/// One column of rows_at_once outputs, `lanes` channels wide; adds to the sums.
template <typename T>
ANIME_BOTH void run_item(const Depthwise &s, long item, float &sum, float &squares)
{
    constexpr int lanes = Depthwise::lanes;
    constexpr int height = Depthwise::rows_at_once;
    const int groups = s.channels / lanes;
    const int channel = static_cast<int>(item % groups) * lanes;
    const int x = static_cast<int>(item / groups % s.width);
    const int top = static_cast<int>(item / groups / s.width) * height;
    const int bottom = top + height < s.height ? top + height : s.height;

    Lanes<lanes> weights[9];
    for (int tap = 0; tap < 9; ++tap)
        weights[tap] = load<lanes>(s.weights + tap * s.channels + channel);
    Lanes<lanes> bias{};
    transform(bias, nullptr, s.bias, channel);
    const long columns[3] = {mirror_once(x - 1, s.width), x, mirror_once(x + 1, s.width)};
    // What the rows above have given to the output row that ends with this one, and to the next.
    Lanes<lanes> ending{};
    Lanes<lanes> next{};
    for (int row = top - 1; row <= bottom; ++row) {
        const T *source = static_cast<const T *>(s.source) +
                          static_cast<long>(mirror_once(row, s.height)) * s.width * s.channels + channel;
        Lanes<lanes> begun{};
        for (int tap = 0; tap < 3; ++tap) {
            Lanes<lanes> value = load<lanes>(source + columns[tap] * s.channels);
            transform(value, s.scale, s.shift, channel);
            activate(value, s.slope);
            for (int i = 0; i < lanes; ++i) {
                ending.at[i] += value.at[i] * weights[6 + tap].at[i];
                next.at[i] += value.at[i] * weights[3 + tap].at[i];
                begun.at[i] += value.at[i] * weights[tap].at[i];
            }
        }
        if (row > top) {
            T *out =
                static_cast<T *>(s.out) + (static_cast<long>(row - 1) * s.width + x) * s.channels + channel;
            store<lanes>(out, ending);
            for (int i = 0; i < lanes; ++i) {
                const float value = ending.at[i] + bias.at[i];
                sum += value;
                squares += value * value;
            }
        }
        ending = next;
        next = begun;
    }
}

/// The share of thread `thread` of `threads` in the sums.
template <typename T>
ANIME_BOTH void moments_sums(const Moments &s, long thread, long threads, float &sum, float &squares)
{
    const T *source = static_cast<const T *>(s.source);
#ifdef __CUDACC__
#pragma unroll 4
#endif
    for (long n = thread; n < s.groups; n += threads) {
        Lanes<group> values = load<group>(source + n * group);
        if (s.bias)
            transform(values, nullptr, s.bias, static_cast<int>(n * group % s.channels));
        for (int i = 0; i < group; ++i) {
            sum += values.at[i];
            squares += values.at[i] * values.at[i];
        }
    }
}

/// The share of thread `thread` of `threads` in the sums of all blocks.
ANIME_BOTH void affine_sums(const Affine &s, int thread, int threads, double &sum, double &squares)
{
    for (int block = thread; block < s.blocks; block += threads) {
        sum += s.partials[2 * block];
        squares += s.partials[2 * block + 1];
    }
}

ANIME_BOTH void run_item(const Affine &s, double sum, double squares, int channel)
{
    float scale = 0;
    float shift = 0;
    if (channel < s.channels) {
        scale = 1;
        if (s.partials) {
            const double mean = sum / s.count;
            const double variance = squares / s.count - mean * mean;
            const double inverse = 1.0 / sqrt((variance > 0 ? variance : 0) + s.eps);
            scale = static_cast<float>(inverse * s.gamma[channel]);
            shift = static_cast<float>(s.beta[channel] - mean * inverse * s.gamma[channel]);
        }
        if (s.bias)
            shift += s.bias[channel] * scale;
        if (s.modulation) {
            const float by = 1 + s.modulation[channel];
            scale *= by;
            shift = shift * by + s.modulation[s.channels + channel];
        }
    }
    s.scale[channel] = scale;
    s.shift[channel] = shift;
}

/// Where sample `i` of 2n lies among the n samples that it is made from: `low`, the one after it by `share`.
struct Between {
    int low;
    int high;
    float share;
};

ANIME_BOTH Between between(int i, int n, Upsampling upsampling)
{
    int low = i / 2;
    float share = 0;
    switch (upsampling) {
    case Upsampling::legacy:
        share = i % 2 ? 0.5F : 0.0F;
        break;
    case Upsampling::align_corners: {
        // Exact in whole numbers; in floats the share of a wide picture would be off by its width.
        const long place = static_cast<long>(i) * (n - 1);
        low = static_cast<int>(place / (2 * n - 1));
        share = static_cast<float>(place % (2 * n - 1)) / static_cast<float>(2 * n - 1);
        break;
    }
    case Upsampling::half_pixel:
        low = i ? (i - 1) / 2 : 0;
        share = i == 0 ? 0.0F : i % 2 ? 0.25F : 0.75F;
        break;
    }
    return {low, low + 1 < n ? low + 1 : n - 1, share};
}

/// The value that pixel (x, y) starts from.
template <typename T>
ANIME_BOTH Lanes<group> source_of(const Apply &s, int x, int y, int channel)
{
    const T *source = static_cast<const T *>(s.source) + channel;
    if (s.from == Apply::From::value)
        return load<group>(source + (static_cast<long>(y) * s.source_columns + x) * s.channels);
    if (s.from == Apply::From::phases) {
        const long pixel = static_cast<long>(y / 2) * s.source_columns + x / 2;
        return load<group>(source + (pixel * 4 + (y % 2) * 2 + x % 2) * s.channels);
    }
    const Between rows = between(y, s.height / 2, s.upsampling);
    const Between columns = between(x, s.width / 2, s.upsampling);
    const T *upper = source + static_cast<long>(rows.low) * s.source_columns * s.channels;
    const T *lower = source + static_cast<long>(rows.high) * s.source_columns * s.channels;
    const long left = static_cast<long>(columns.low) * s.channels;
    const long right = static_cast<long>(columns.high) * s.channels;
    const Lanes<group> a = load<group>(upper + left);
    const Lanes<group> b = load<group>(upper + right);
    const Lanes<group> c = load<group>(lower + left);
    const Lanes<group> d = load<group>(lower + right);
    Lanes<group> out;
    for (int i = 0; i < group; ++i) {
        const float above = a.at[i] + columns.share * (b.at[i] - a.at[i]);
        const float below = c.at[i] + columns.share * (d.at[i] - c.at[i]);
        out.at[i] = above + rows.share * (below - above);
    }
    return out;
}

/// Channels `channel` to `channel` + group of the bordered result's pixel.
template <typename T>
ANIME_BOTH void run_item(const Apply &s, int column, int row, int channel)
{
    int y = row - s.border.top;
    int x = column - s.border.left;
    const bool repeat = s.border.fill == compiler::Fill::reflect_then_repeat;
    y = repeat && y >= s.height ? s.height - 1 : mirror_once(y, s.height);
    x = repeat && x >= s.width ? s.width - 1 : mirror_once(x, s.width);

    Lanes<group> value = source_of<T>(s, x, y, channel);
    transform(value, s.scale, s.shift, channel);
    activate(value, s.slope);
    if (s.residual) {
        const T *residual = static_cast<const T *>(s.residual);
        const Lanes<group> other =
            load<group>(residual + (static_cast<long>(y) * s.residual_columns + x) * s.channels + channel);
        for (int i = 0; i < group; ++i)
            value.at[i] += other.at[i];
    }
    activate(value, s.slope_after);
    store<group>(static_cast<T *>(s.out) + (static_cast<long>(row) * s.columns() + column) * s.channels +
                     channel,
                 value);
}

/// One colour of one pixel of the picture.
ANIME_BOTH void write_pixel(const Write &s, int x, int y, int c, float value)
{
    value = s.tanh ? tanhf(value) : value;
    value = fminf(fmaxf(value, -1.0F), 1.0F);
    if (s.planes)
        s.planes[(static_cast<long>(c) * s.height * s.factor + y) * s.width * s.factor + x] = value;
    if (x < s.picture_width && y < s.picture_height)
        s.bytes[(static_cast<long>(y) * s.picture_width + x) * 3 + c] =
            static_cast<std::uint8_t>(rintf((value + 1.0F) * 127.5F));
}

/// The pixels of the picture that pixel (x, y) of the last value becomes.
template <typename T>
ANIME_BOTH void run_item(const Write &s, int x, int y)
{
    const T *source = static_cast<const T *>(s.source) + (static_cast<long>(y) * s.width + x) * s.channels;
    const int places = s.factor * s.factor;
    float colours[3] = {0, 0, 0};
    for (int first = 0; first < s.channels; first += group) {
        Lanes<group> values = load<group>(source + first);
        transform(values, s.scale, s.shift, first);
        activate(values, s.slope);
        if (s.weights) {
            for (int c = 0; c < 3; ++c) {
                const Lanes<group> weights = load<group>(s.weights + c * s.channels + first);
                for (int i = 0; i < group; ++i)
                    colours[c] += values.at[i] * weights.at[i];
            }
            continue;
        }
        for (int i = 0; i < group; ++i) {
            const int channel = first + i;
            const int place = channel % places;
            if (channel < 3 * places)
                write_pixel(s, x * s.factor + place % s.factor, y * s.factor + place / s.factor,
                            channel / places, values.at[i]);
        }
    }
    if (s.weights)
        for (int c = 0; c < 3; ++c)
            write_pixel(s, x, y, c, colours[c] + (s.bias ? s.bias[c] : 0.0F));
}

} // namespace anime::cuda
