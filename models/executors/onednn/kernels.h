// SPDX-License-Identifier: LGPL-2.1-or-later
// Loops over contiguous values that the compiler vectorises; built once for each instruction set and chosen
// at run time. Parameters that belong to channels come as tables that repeat for every pixel of a chunk, so
// that each loop is a plain one.
#pragma once

#include <cstddef>
#include <cstdint>

namespace anime::onednn
{

/// Floats of a chunk: small enough for tables and temporaries to stay in the first-level cache.
constexpr int chunk_floats = 2048;

struct Kernels {
    const char *isa;

    void (*load_bf16)(const std::uint16_t *in, float *out, std::size_t n);
    /// out = in · scale + shift
    void (*load_u8)(const std::uint8_t *in, const float *scale, const float *shift, float *out,
                    std::size_t n);
    void (*store_bf16)(const float *in, std::uint16_t *out, std::size_t n);
    /// out = round(in · scale + shift), saturated
    void (*store_u8)(const float *in, const float *scale, const float *shift, std::uint8_t *out,
                     std::size_t n);

    /// x = act(x · scale + shift), act(v) = max(v, slope · v)
    void (*affine)(float *x, const float *scale, const float *shift, float slope, std::size_t n);
    /// x = act(x + other)
    void (*add)(float *x, const float *other, float slope, std::size_t n);
    /// out = a + (b − a) · weight
    void (*blend)(const float *a, const float *b, float weight, float *out, std::size_t n);
    /// The whole of a frequent pass in one: bf16 in, u8 out, out = round(act(in · scale + shift) + zero).
    void (*affine_bf16_u8)(const std::uint16_t *in, const float *scale, const float *shift, float slope,
                           const float *zero, std::uint8_t *out, std::size_t n);

    /// Adds sum and sum of squares to sums[0] and sums[1].
    void (*moments_f32)(const float *in, std::size_t n, double *sums);
    void (*moments_bf16)(const std::uint16_t *in, std::size_t n, double *sums);

    /// out = in from [-1, 1] to 0 … 255, rounded and saturated
    void (*to_bytes)(const float *in, std::uint8_t *out, std::size_t n);
};

/// The best set that the CPU has and that oneDNN's own cap (DNNL_MAX_CPU_ISA) allows.
const Kernels &kernels();

/// Every set that this CPU can run, the portable one first.
std::size_t runnable_kernels(const Kernels *out[3]);

} // namespace anime::onednn
