// SPDX-License-Identifier: LGPL-2.1-or-later
// The loops of kernels.h. Compiled several times with different instruction sets; ANIME_KERNELS names the
// table. Nothing here may pull in an inline function of the standard library: the linker could keep the copy
// that was compiled for the newest CPU.
#include "models/executors/onednn/kernels.h"
#include "models/executors/onednn/winograd_impl.h"

namespace anime::onednn
{

namespace
{

inline float from_bf16(std::uint16_t v)
{
    return __builtin_bit_cast(float, static_cast<std::uint32_t>(v) << 16);
}

inline std::uint16_t to_bf16(float v)
{
    const auto bits = __builtin_bit_cast(std::uint32_t, v);
    return static_cast<std::uint16_t>((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}

inline float act(float v, float slope)
{
    const float scaled = v * slope;
    return v > scaled ? v : scaled;
}

inline std::uint8_t to_u8(float v)
{
    v = v > 0.0F ? v : 0.0F;
    v = v < 255.0F ? v : 255.0F;
    return static_cast<std::uint8_t>(static_cast<int>(v + 0.5F));
}

void load_bf16(const std::uint16_t *__restrict in, float *__restrict out, std::size_t n)
{
    for (std::size_t i = 0; i < n; ++i)
        out[i] = from_bf16(in[i]);
}

void load_u8(const std::uint8_t *__restrict in, const float *__restrict scale, const float *__restrict shift,
             float *__restrict out, std::size_t n)
{
    for (std::size_t i = 0; i < n; ++i)
        out[i] = static_cast<float>(in[i]) * scale[i] + shift[i];
}

void store_bf16(const float *__restrict in, std::uint16_t *__restrict out, std::size_t n)
{
    for (std::size_t i = 0; i < n; ++i)
        out[i] = to_bf16(in[i]);
}

void store_u8(const float *__restrict in, const float *__restrict scale, const float *__restrict shift,
              std::uint8_t *__restrict out, std::size_t n)
{
    for (std::size_t i = 0; i < n; ++i)
        out[i] = to_u8(in[i] * scale[i] + shift[i]);
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
        out[i] = from_bf16(a[i]) + (from_bf16(b[i]) - from_bf16(a[i])) * weight;
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

void add_u8(const float *__restrict in, const std::uint8_t *__restrict residual,
            const float *__restrict scale, const float *__restrict shift, float slope,
            const float *__restrict unit, const float *__restrict zero, std::uint8_t *__restrict out,
            std::size_t n)
{
    for (std::size_t i = 0; i < n; ++i) {
        const float other = static_cast<float>(residual[i]) * scale[i] + shift[i];
        out[i] = to_u8(act(in[i] + other, slope) * unit[i] + zero[i]);
    }
}

/// One pixel of a pass.
template <bool adds, bool writes_wide, bool writes_bytes>
inline void pass_values(const std::uint16_t *__restrict in, const std::uint16_t *__restrict residual,
                        std::uint16_t *__restrict wide, std::uint8_t *__restrict bytes, const Pass &pass)
{
    const float *__restrict scale = pass.scale;
    const float *__restrict shift = pass.shift;
    const float *__restrict unit = pass.unit;
    const float *__restrict zero = pass.zero;
    const float slope = pass.slope;
    const float slope_after = pass.slope_after;
    const std::size_t n = pass.values;
    for (std::size_t i = 0; i < n; ++i) {
        float v = act(from_bf16(in[i]) * scale[i] + shift[i], slope);
        if constexpr (adds)
            v = act(v + from_bf16(residual[i]), slope_after);
        if constexpr (writes_wide)
            wide[i] = to_bf16(v);
        if constexpr (writes_bytes)
            bytes[i] = to_u8(v * unit[i] + zero[i]);
    }
}

template <bool adds, bool writes_wide, bool writes_bytes>
void pass_pixels(const Pass &pass)
{
    for (std::size_t p = 0; p < pass.pixels; ++p) {
        const std::size_t at = p * pass.distance;
        pass_values<adds, writes_wide, writes_bytes>(
            pass.in + p * pass.values, adds ? pass.residual + at : nullptr,
            writes_wide ? pass.wide + at : nullptr, writes_bytes ? pass.bytes + at : nullptr, pass);
    }
}

void pass(const Pass &pass)
{
    if (pass.residual && pass.wide && pass.bytes)
        pass_pixels<true, true, true>(pass);
    else if (pass.residual && pass.wide)
        pass_pixels<true, true, false>(pass);
    else if (pass.residual)
        pass_pixels<true, false, true>(pass);
    else if (pass.wide && pass.bytes)
        pass_pixels<false, true, true>(pass);
    else if (pass.wide)
        pass_pixels<false, true, false>(pass);
    else
        pass_pixels<false, false, true>(pass);
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
    moments(in, n, sums, [](std::uint16_t v) { return from_bf16(v); });
}

void add_bytes(const std::uint8_t *__restrict in, std::uint32_t *__restrict sums, std::size_t n)
{
    for (std::size_t i = 0; i < n; ++i)
        sums[i] += in[i];
}

void to_bytes(const float *__restrict in, std::uint8_t *__restrict out, std::size_t n)
{
    for (std::size_t i = 0; i < n; ++i)
        out[i] = to_u8(in[i] * 127.5F + 127.5F);
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
                               pass,
                               add_u8,
                               moments_f32,
                               moments_bf16,
                               add_bytes,
                               to_bytes,
                               winograd_transforms<4, 3, float>,
                               winograd_transforms<4, 3, std::uint16_t>,
                               winograd_transforms<4, 7, float>,
                               winograd_transforms<8, 7, std::uint16_t>,
                               winograd_multiply};

} // namespace anime::onednn
