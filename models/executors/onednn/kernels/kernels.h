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
constexpr int chunk_floats = 1024;

/// v = act(in · scale + shift), then, with a residual, act(v + residual); act(v) = max(v, slope · v).
/// Wide: std::uint16_t (bf16) or float. Every pointer that may be null says so.
template <typename Wide>
struct Pass {
    const Wide *in = nullptr;     ///< the pixels lie one behind the other
    const float *scale = nullptr; ///< one for each value of a pixel, like shift, unit and zero; null: v = in
    const float *shift = nullptr;
    float slope = 1;
    const Wide *residual = nullptr;              ///< or null
    const std::uint8_t *byte_residual = nullptr; ///< instead of it: r · residual_scale + residual_shift
    const float *residual_scale = nullptr;
    const float *residual_shift = nullptr;
    float slope_after = 1;
    Wide *wide = nullptr;          ///< out, or null
    std::uint8_t *bytes = nullptr; ///< round(v · unit + zero), or null
    const float *unit = nullptr;
    const float *zero = nullptr;
    std::size_t values = 0; ///< of a pixel
    std::size_t pixels = 1;
    std::size_t distance = 0; ///< values between the starts of two pixels of residuals, wide and bytes
};

/// out[i] = x[a] + (x[b] − x[a]) · weight
struct Sample {
    int a = 0;
    int b = 0;
    float weight = 0;
};

/// A row of a ×2 upsampling of bf16 or floats that ends in bytes: v = act(pixel + residual · scale + shift),
/// where the pixel is blended from the rows `above` and `below` and from two columns of each; out = round(v ·
/// unit + zero), saturated. scale, shift, unit and zero: one for each channel.
template <typename Wide>
struct UpsampledRow {
    const Wide *above = nullptr;
    const Wide *below = nullptr;
    float weight = 0; ///< of the row below
    const Sample *samples = nullptr;
    std::size_t pixels = 0;
    std::size_t channels = 0;
    const std::uint8_t *residual = nullptr;
    const float *scale = nullptr;
    const float *shift = nullptr;
    float slope = 1;
    const float *unit = nullptr;
    const float *zero = nullptr;
    std::uint8_t *out = nullptr;
};

/// Output channels of a panel of Winograd weights: (channels / panel, input channels, panel) floats a
/// position. The last panel may be half of one.
constexpr int winograd_panel = 32;

/// Where a tile leaves Winograd's sums: leaky(sum · scale + shift).
struct WinogradOutput {
    const float *in = nullptr;
    std::size_t distance = 0;     ///< floats between the positions of `in`
    const float *scale = nullptr; ///< one a channel; null: 1, and no activation
    const float *shift = nullptr; ///< one a channel, or null
    float slope = 1;
    std::size_t channels = 0;
    void *pixels = nullptr;
    std::size_t row = 0;    ///< values between the rows of `pixels`
    double *sums = nullptr; ///< or null: sum and sum of squares, for a norm; with them slope is 1 and zero 0
};

/// Of one tile, all positions of it; see winograd.h. Pixels are f32 or bf16, what lies between always is f32;
/// channels are multiples of 16.
struct WinogradTransforms {
    int tile;
    int taps;
    /// `row`: values between the rows of `pixels`; `distance`: floats between the positions of `out`.
    void (*input)(const void *pixels, std::size_t row, std::size_t channels, float *out,
                  std::size_t distance);
    void (*output)(const WinogradOutput &tile);
};

/// Output channels of a panel of the weights of a Winograd convolution of bytes.
constexpr int byte_winograd_panel = 16;

/// Where it leaves a tile of a panel: leaky(sum · scale + shift) + zero.
struct ByteWinogradOutput {
    const std::int32_t *in = nullptr; ///< the tile's sums of the first position, byte_winograd_panel of them
    std::size_t distance = 0;         ///< between the positions of `in`
    const float *scale = nullptr;     ///< one a channel, like shift
    const float *shift = nullptr;
    float slope = 1;
    float zero = 0;
    std::size_t channels =
        byte_winograd_panel; ///< of the panel that there are; the others have scale and shift 0
    void *pixels = nullptr;  ///< f32, bf16 or bytes
    std::size_t pixel = 0;   ///< values between two pixels of a row
    std::size_t row = 0;     ///< values between two rows
    double *sums = nullptr;  ///< what is written is added to the first, its square to the second; or null
};

/// A 3 × 3 convolution of bytes by tiles of 4 × 4 outputs in whole numbers of 16 bits; see byte_winograd.h.
struct ByteWinograd {
    int tiles; ///< that multiply() does at once; of others it does one
    /// One tile of 6 × 6 pixels, `row` bytes between their rows, less 128. Reads and writes values of 16
    /// channels at a time: up to 15 behind the last one, those of `out` before the next tile's are written.
    void (*input)(const std::uint8_t *pixels, std::size_t row, std::size_t channels, std::int16_t *out,
                  std::size_t distance);
    /// One position of `tiles` tiles: (tiles, channels) times a panel of weights (channels / 2, panel, 2) is
    /// (tiles, panel). `channels` is even.
    void (*multiply)(const std::int16_t *in, const std::int16_t *weights, std::int32_t *out,
                     std::size_t tiles, std::size_t channels);
    void (*output_f32)(const ByteWinogradOutput &tile);
    void (*output_bf16)(const ByteWinogradOutput &tile);
    void (*output_bytes)(const ByteWinogradOutput &tile);
};

/// Output channels of a panel of the weights of a direct convolution of bytes.
constexpr int byte_panel = 16;
/// Quads of bytes whose products are added in 16 bits before they are widened.
constexpr int byte_quads = 4;

/// One panel of a direct convolution of bytes: leaky(sum · scale + shift) + zero for neighbouring pixels of a
/// row. The sum of a pixel is over `rows` runs of bytes that lie one behind the other: the taps of a row, all
/// their channels.
struct ByteConv {
    const std::uint8_t *in = nullptr; ///< where the first run of the first pixel begins
    std::size_t in_pixel = 0;         ///< bytes between two pixels, and between two runs
    std::size_t in_row = 0;
    std::size_t rows = 1;
    std::size_t run = 0; ///< bytes, a multiple of 4
    /// (rows, run / 4, panel, 4). Where they are of so many quads that 16 bits hold the sums of `byte_quads`
    /// of them, whatever the bytes are, `quads` is that, and otherwise 1.
    const std::int8_t *weights = nullptr;
    int quads = 1;
    const float *scale = nullptr; ///< one a channel of the panel, like shift
    const float *shift = nullptr;
    float slope = 1;
    float zero = 0;
    std::size_t channels = byte_panel; ///< of the panel that there are; the others have scale and shift 0
    void *out = nullptr;               ///< f32, bf16 or bytes
    std::size_t out_pixel = 0;         ///< values between two pixels
    std::size_t pixels = 0;
    double *sums = nullptr; ///< or null: sum and sum of squares, for a norm; with them slope is 1 and zero 0
};

/// A depthwise convolution of bytes with 3 × 3 taps for neighbouring pixels of a row, in f32:
/// leaky(sum · scale + shift) + zero.
struct ByteDepthwise {
    const std::uint8_t *in = nullptr; ///< the first tap of the first pixel
    std::size_t in_row = 0;           ///< bytes between two rows
    std::size_t channels = 0;
    const float *weights = nullptr; ///< (taps, channels)
    const float *scale = nullptr;   ///< one a channel, like shift
    const float *shift = nullptr;
    float slope = 1;
    float zero = 0;
    void *out = nullptr; ///< f32, bf16 or bytes
    std::size_t pixels = 0;
    double *sums = nullptr; ///< or null: sum and sum of squares, for a norm; with them slope is 1 and zero 0
};

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
    /// The same of bf16.
    void (*blend_bf16)(const std::uint16_t *a, const std::uint16_t *b, float weight, float *out,
                       std::size_t n);
    /// Pixel i of `pixels` is blended from pixels of `in` as samples[i] says.
    void (*blend_pixels)(const float *in, const Sample *samples, std::size_t pixels, std::size_t channels,
                         float *out);
    /// The whole of a frequent pass in one loop.
    void (*pass_bf16)(const Pass<std::uint16_t> &pass);
    void (*pass_f32)(const Pass<float> &pass);

    void (*upsample_row_bf16)(const UpsampledRow<std::uint16_t> &row);
    void (*upsample_row_f32)(const UpsampledRow<float> &row);

    /// Adds sum and sum of squares to sums[0] and sums[1].
    void (*moments_f32)(const float *in, std::size_t n, double *sums);
    void (*moments_bf16)(const std::uint16_t *in, std::size_t n, double *sums);

    /// sums += in
    void (*add_bytes)(const std::uint8_t *in, std::uint32_t *sums, std::size_t n);
    /// out = in from [-1, 1] to 0 … 255, rounded and saturated
    void (*to_bytes)(const float *in, std::uint8_t *out, std::size_t n);

    WinogradTransforms winograd_3_f32; ///< 3 × 3 taps
    WinogradTransforms winograd_3_bf16;
    WinogradTransforms winograd_7_f32;   ///< 7 × 7 taps
    WinogradTransforms winograd_7_rough; ///< the same as quick and as exact as bf16's
    WinogradTransforms winograd_7_bf16;
    /// One position of `tiles` tiles: (tiles, in_channels) times panels of weights is (tiles, out_channels).
    int winograd_tiles; ///< at once; of others it does one
    void (*winograd_multiply)(const float *in, const float *weights, float *out, std::size_t tiles,
                              std::size_t in_channels, std::size_t out_channels);
    ByteWinograd byte_winograd;
    void (*byte_conv_f32)(const ByteConv &conv);
    void (*byte_conv_bf16)(const ByteConv &conv);
    void (*byte_conv_bytes)(const ByteConv &conv);
    void (*byte_depthwise_f32)(const ByteDepthwise &conv);
    void (*byte_depthwise_bf16)(const ByteDepthwise &conv);
    void (*byte_depthwise_bytes)(const ByteDepthwise &conv);
};

/// The best set that the CPU has and that oneDNN's own cap (DNNL_MAX_CPU_ISA) allows.
const Kernels &kernels();

/// Every set that this CPU can run, the portable one first.
std::size_t runnable_kernels(const Kernels *out[3]);

} // namespace anime::onednn
