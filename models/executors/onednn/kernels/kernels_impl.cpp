// SPDX-License-Identifier: LGPL-2.1-or-later
// The loops of kernels.h. Compiled several times with different instruction sets; ANIME_KERNELS names the
// table. Nothing here may pull in an inline function of the standard library: the linker could keep the copy
// that was compiled for the newest CPU.
#include "models/executors/onednn/kernels/byte_conv_impl.h"
#include "models/executors/onednn/kernels/byte_depthwise_impl.h"
#include "models/executors/onednn/kernels/byte_winograd_impl.h"
#include "models/executors/onednn/kernels/kernels.h"
#include "models/executors/onednn/kernels/lanes.h"
#include "models/executors/onednn/kernels/winograd_impl.h"

namespace anime::onednn
{

namespace
{

inline float act(float v, float slope)
{
    const float scaled = v * slope;
    return v > scaled ? v : scaled;
}

void load_bf16(const std::uint16_t *__restrict in, float *__restrict out, std::size_t n)
{
    for (std::size_t i = 0; i < n; ++i)
        out[i] = Scalar::load(&in[i]);
}

void load_u8(const std::uint8_t *__restrict in, const float *__restrict scale, const float *__restrict shift,
             float *__restrict out, std::size_t n)
{
    for (std::size_t i = 0; i < n; ++i)
        out[i] = Scalar::load(&in[i]) * scale[i] + shift[i];
}

void store_bf16(const float *__restrict in, std::uint16_t *__restrict out, std::size_t n)
{
    for (std::size_t i = 0; i < n; ++i)
        Scalar::store(in[i], &out[i]);
}

void store_u8(const float *__restrict in, const float *__restrict scale, const float *__restrict shift,
              std::uint8_t *__restrict out, std::size_t n)
{
    for (std::size_t i = 0; i < n; ++i)
        Scalar::store(in[i] * scale[i] + shift[i], &out[i]);
}

void affine(float *__restrict x, const float *__restrict scale, const float *__restrict shift, float slope,
            std::size_t n)
{
    for (std::size_t i = 0; i < n; ++i)
        x[i] = act(x[i] * scale[i] + shift[i], slope);
}

void add(float *__restrict x, const float *__restrict other, float slope, std::size_t n)
{
    for (std::size_t i = 0; i < n; ++i)
        x[i] = act(x[i] + other[i], slope);
}

/// `out` may be `a`.
void blend(const float *a, const float *b, float weight, float *out, std::size_t n)
{
#pragma GCC ivdep
    for (std::size_t i = 0; i < n; ++i)
        out[i] = a[i] + (b[i] - a[i]) * weight;
}

void blend_bf16(const std::uint16_t *a, const std::uint16_t *b, float weight, float *__restrict out,
                std::size_t n)
{
    for (std::size_t i = 0; i < n; ++i)
        out[i] = Scalar::load(&a[i]) + (Scalar::load(&b[i]) - Scalar::load(&a[i])) * weight;
}

void blend_pixels(const float *__restrict in, const Sample *samples, std::size_t pixels, std::size_t channels,
                  float *__restrict out)
{
    for (std::size_t p = 0; p < pixels; ++p) {
        const float *a = in + samples[p].a * channels;
        const float *b = in + samples[p].b * channels;
        const float weight = samples[p].weight;
        for (std::size_t c = 0; c < channels; ++c)
            out[c] = a[c] + (b[c] - a[c]) * weight;
        out += channels;
    }
}

template <typename Set>
inline typename Set::Floats leaky(typename Set::Floats v, float slope)
{
    return Set::max(v, v * Set::same(slope));
}

/// Channels of a row from `c` on, as many as registers of the set hold; returns where it ended.
template <typename Set, typename Wide>
inline std::size_t upsample_channels(const UpsampledRow<Wide> &row, std::size_t c)
{
    for (; c + Set::lanes <= row.channels; c += Set::lanes) {
        const auto scale = Set::load(row.scale + c);
        const auto shift = Set::load(row.shift + c);
        const auto unit = Set::load(row.unit + c);
        const auto zero = Set::load(row.zero + c);
        const auto column = [&](int x) {
            const auto above = Set::load(row.above + x * row.channels + c);
            return above + (Set::load(row.below + x * row.channels + c) - above) * Set::same(row.weight);
        };
        // Most columns are needed by two pixels on either side.
        int a = row.samples[0].a;
        int b = row.samples[0].b;
        auto left = column(a);
        auto right = column(b);
        for (std::size_t p = 0; p < row.pixels; ++p) {
            const Sample &sample = row.samples[p];
            if (sample.a != a || sample.b != b) {
                left = sample.a == b ? right : column(sample.a);
                right = column(sample.b);
                a = sample.a;
                b = sample.b;
            }
            const auto residual = Set::load(row.residual + p * row.channels + c) * scale + shift;
            const auto v = leaky<Set>(left + (right - left) * Set::same(sample.weight) + residual, row.slope);
            Set::store(v * unit + zero, row.out + p * row.channels + c);
        }
    }
    return c;
}

template <typename Wide>
void upsample_row(const UpsampledRow<Wide> &row)
{
    upsample_channels<Scalar>(row, upsample_channels<Register>(row, 0));
}

/// Values of one pixel of a pass from `i` on, as many as registers of the set hold; returns where it ended.
template <typename Set, bool scales, bool adds, bool adds_bytes, bool writes_wide, bool writes_bytes,
          typename Wide>
inline std::size_t pass_values(const Wide *__restrict in, const Wide *__restrict residual,
                               const std::uint8_t *__restrict byte_residual, Wide *__restrict wide,
                               std::uint8_t *__restrict bytes, const Pass<Wide> &pass, std::size_t i)
{
    const float *__restrict scale = pass.scale;
    const float *__restrict shift = pass.shift;
    const float *__restrict unit = pass.unit;
    const float *__restrict zero = pass.zero;
    const float slope = pass.slope;
    const float slope_after = pass.slope_after;
    const std::size_t n = pass.values;
    for (; i + Set::lanes <= n; i += Set::lanes) {
        auto v = Set::load(in + i);
        if constexpr (scales)
            v = leaky<Set>(v * Set::load(scale + i) + Set::load(shift + i), slope);
        if constexpr (adds)
            v = leaky<Set>(v + Set::load(residual + i), slope_after);
        if constexpr (adds_bytes)
            v = leaky<Set>(v + Set::load(byte_residual + i) * Set::load(pass.residual_scale + i) +
                               Set::load(pass.residual_shift + i),
                           slope_after);
        if constexpr (writes_wide)
            Set::store(v, wide + i);
        if constexpr (writes_bytes)
            Set::store(v * Set::load(unit + i) + Set::load(zero + i), bytes + i);
    }
    return i;
}

template <bool... chosen, typename Wide>
void pass_pixels(const Pass<Wide> &pass)
{
    for (std::size_t p = 0; p < pass.pixels; ++p) {
        const auto there = [&](auto *from) { return from ? from + p * pass.distance : nullptr; };
        const auto values = [&]<typename Set>(std::size_t i) {
            return pass_values<Set, chosen...>(pass.in + p * pass.values, there(pass.residual),
                                               there(pass.byte_residual), there(pass.wide), there(pass.bytes),
                                               pass, i);
        };
        values.template operator()<Scalar>(values.template operator()<Register>(0));
    }
}

template <bool... chosen, typename Wide>
void choose_pass(const Pass<Wide> &pass)
{
    if constexpr (sizeof...(chosen) == 5) {
        pass_pixels<chosen...>(pass);
    } else {
        const void *const wanted[] = {pass.scale, pass.residual, pass.byte_residual, pass.wide, pass.bytes};
        if (wanted[sizeof...(chosen)])
            choose_pass<chosen..., true>(pass);
        else
            choose_pass<chosen..., false>(pass);
    }
}

template <typename Wide>
void pass(const Pass<Wide> &pass)
{
    choose_pass(pass);
}

/// Sums in single precision over short runs and in double over the runs: a frame has millions of values.
template <typename T, typename Load>
void moments(const T *__restrict in, std::size_t n, double *__restrict sums, Load load)
{
    constexpr std::size_t run = 4096;
    for (std::size_t start = 0; start < n; start += run) {
        const std::size_t end = start + run < n ? start + run : n;
        float sum = 0;
        float squares = 0;
        for (std::size_t i = start; i < end; ++i) {
            const float v = load(in[i]);
            sum += v;
            squares += v * v;
        }
        sums[0] += sum;
        sums[1] += squares;
    }
}

void moments_f32(const float *in, std::size_t n, double *sums)
{
    moments(in, n, sums, [](float v) { return v; });
}

void moments_bf16(const std::uint16_t *in, std::size_t n, double *sums)
{
    moments(in, n, sums, [](std::uint16_t v) { return Scalar::load(&v); });
}

void add_bytes(const std::uint8_t *__restrict in, std::uint32_t *__restrict sums, std::size_t n)
{
    for (std::size_t i = 0; i < n; ++i)
        sums[i] += in[i];
}

void to_bytes(const float *__restrict in, std::uint8_t *__restrict out, std::size_t n)
{
    for (std::size_t i = 0; i < n; ++i)
        Scalar::store(in[i] * 127.5F + 127.5F, &out[i]);
}

} // namespace

extern const Kernels ANIME_KERNELS;
const Kernels ANIME_KERNELS = {ANIME_ISA,
                               load_bf16,
                               load_u8,
                               store_bf16,
                               store_u8,
                               affine,
                               add,
                               blend,
                               blend_bf16,
                               blend_pixels,
                               pass<std::uint16_t>,
                               pass<float>,
                               upsample_row<std::uint16_t>,
                               upsample_row<float>,
                               moments_f32,
                               moments_bf16,
                               add_bytes,
                               to_bytes,
                               winograd_transforms<4, 3, float>,
                               winograd_transforms<4, 3, std::uint16_t>,
                               winograd_transforms<4, 7, float>,
                               winograd_transforms<8, 7, float>,
                               winograd_transforms<8, 7, std::uint16_t>,
                               block_tiles,
                               winograd_multiply,
                               {byte_block_tiles, byte_winograd_input, byte_winograd_multiply,
                                byte_winograd_output<float>, byte_winograd_output<std::uint16_t>,
                                byte_winograd_output<std::uint8_t>},
                               byte_conv<float>,
                               byte_conv<std::uint16_t>,
                               byte_conv<std::uint8_t>,
                               byte_depthwise<float>,
                               byte_depthwise<std::uint16_t>,
                               byte_depthwise<std::uint8_t>};

} // namespace anime::onednn
