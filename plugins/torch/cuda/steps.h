// SPDX-License-Identifier: LGPL-2.1-or-later
// What a plan consists of: one struct a kind of step, with everything that its kernel is told. Values are
// NHWC without gaps; a convolution's input carries its border. Before a plan is bound to memory, its pointers
// are places in buffers that have no address yet (plan.h), which pointers() goes through.
#pragma once

#include "models/compiler/tensor.h"
#include "models/graph/graph.h"

#include <cstddef>
#include <cstdint>
#include <variant>

namespace anime::cuda
{

/// A picture comes as bytes, `pixel` apart and smaller than the network's size by what is mirrored, or, for
/// measuring, as planes of floats of exactly that size.
struct Picture {
    const std::uint8_t *bytes = nullptr;
    const float *planes = nullptr;
    int width = 0;
    int height = 0;
    int pixel = 3;
    int network_width = 0;
    int network_height = 0;
};

/// Bytes to values with a border, unshuffled. Channels beyond the picture's are zero.
struct Read {
    Picture picture;
    int factor = 1;
    void *out = nullptr;
    int rows = 0; ///< with border
    int columns = 0;
    int channels = 0;
    int left = 0;
    int top = 0;

    template <typename F>
    void pointers(F f)
    {
        f(picture.bytes), f(picture.planes), f(out);
    }
};

/// Area means of the picture, (side, side, 3) in float32.
struct Thumbnail {
    Picture picture;
    int side = 0;
    float *out = nullptr;

    template <typename F>
    void pointers(F f)
    {
        f(picture.bytes), f(picture.planes), f(out);
    }
};

/// A convolution of a few thousand values in float32, with its bias and activation.
struct SmallConv {
    const float *in = nullptr;
    int height = 0;
    int width = 0;
    int in_channels = 0;
    int kernel = 1;
    int stride = 1;
    int left = 0;
    int top = 0;
    const float *weights = nullptr; ///< as in PyTorch
    const float *bias = nullptr;
    float slope = 1; ///< 1: none
    float *out = nullptr;
    int out_height = 0;
    int out_width = 0;
    int channels = 0;

    template <typename F>
    void pointers(F f)
    {
        f(in), f(weights), f(bias), f(out);
    }
};

struct Mean {
    const float *in = nullptr;
    int pixels = 0;
    int channels = 0;
    float *out = nullptr;

    template <typename F>
    void pointers(F f)
    {
        f(in), f(out);
    }
};

struct Linear {
    const float *in = nullptr;
    int inputs = 0;
    const float *weights = nullptr;
    const float *bias = nullptr;
    float slope = 1;
    float *out = nullptr;
    int outputs = 0;

    template <typename F>
    void pointers(F f)
    {
        f(in), f(weights), f(bias), f(out);
    }
};

/// A convolution by cuDNN, without padding.
struct Conv {
    const Node *node = nullptr;
    const void *in = nullptr;
    int rows = 0;
    int columns = 0;
    int in_channels = 0;
    const void *weights = nullptr; ///< (channels, kernel_height, kernel_width, in_channels)
    int kernel_height = 1;
    int kernel_width = 1;
    int stride = 1;
    void *out = nullptr;
    int out_rows = 0;
    int out_columns = 0;
    int channels = 0;

    template <typename F>
    void pointers(F f)
    {
        f(in), f(weights), f(out);
    }
};

/// 3×3, each channel by itself, the border mirrored; scale, shift and activation are done to what it reads.
/// It also sums its outputs (with bias) for the normalisation.
struct Depthwise {
    static constexpr int rows_at_once = 16;
    static constexpr int lanes = 4;
    static constexpr int threads = 128;

    const void *source = nullptr;
    int height = 0;
    int width = 0;
    int channels = 0;
    const float *scale = nullptr; ///< null: 1
    const float *shift = nullptr; ///< null: 0
    float slope = 1;
    const float *weights = nullptr; ///< (9, channels)
    const float *bias = nullptr;    ///< only for the sums
    void *out = nullptr;
    float *partials = nullptr; ///< null: no sums

    constexpr int strips() const { return (height + rows_at_once - 1) / rows_at_once; }
    constexpr long items() const { return static_cast<long>(strips()) * width * (channels / lanes); }
    constexpr int blocks() const { return static_cast<int>((items() + threads - 1) / threads); }

    template <typename F>
    void pointers(F f)
    {
        f(source), f(scale), f(shift), f(weights), f(bias), f(out), f(partials);
    }
};

/// Sum and sum of squares of a value, a pair a block.
struct Moments {
    static constexpr int threads = 512;

    const void *source = nullptr;
    long groups = 0; ///< of 8 channels
    int channels = 0;
    const float *bias = nullptr;
    float *partials = nullptr;
    int blocks = 0;

    template <typename F>
    void pointers(F f)
    {
        f(source), f(bias), f(partials);
    }
};

/// Scale and shift by channel, of the convolution's output without its bias: from sums, or from a modulation.
struct Affine {
    const float *partials = nullptr; ///< null: no normalisation
    int blocks = 0;
    double count = 0; ///< of values
    const float *gamma = nullptr;
    const float *beta = nullptr;
    float eps = 0;
    const float *bias = nullptr;
    const float *modulation = nullptr; ///< null: none
    int channels = 0;
    int padded = 0; ///< the channels from `channels` on become zero
    float *scale = nullptr;
    float *shift = nullptr;

    template <typename F>
    void pointers(F f)
    {
        f(partials), f(gamma), f(beta), f(bias), f(modulation), f(scale), f(shift);
    }
};

/// What lies between two convolutions, in one pass: where the value comes from, scale and shift, activation,
/// sum, activation, and the border of what reads it.
struct Apply {
    enum class From {
        value,
        phases,   ///< of a folded upsampling: half the size, four times the channels
        upsample, ///< half the size, by `upsampling`
    };

    From from = From::value;
    Upsampling upsampling = Upsampling::legacy;
    const void *source = nullptr;
    int source_columns = 0; ///< of a row in memory; `source` is the first pixel inside the border
    int height = 0;         ///< of the result, without border
    int width = 0;
    int channels = 0;
    const float *scale = nullptr;
    const float *shift = nullptr;
    float slope = 1;
    const void *residual = nullptr;
    int residual_columns = 0;
    float slope_after = 1;
    void *out = nullptr;
    compiler::Border border;

    constexpr int rows() const { return border.top + height + border.bottom; }
    constexpr int columns() const { return border.left + width + border.right; }

    template <typename F>
    void pointers(F f)
    {
        f(source), f(scale), f(shift), f(residual), f(out);
    }
};

/// The picture from the last value: scale, shift, activation, perhaps the last 1×1 convolution to three
/// channels, tanh, shuffled, clamped, as bytes and, where wanted, as planes of floats.
struct Write {
    const void *source = nullptr;
    int height = 0; ///< of the source
    int width = 0;
    int channels = 0;
    const float *scale = nullptr;
    const float *shift = nullptr;
    float slope = 1;
    const float *weights = nullptr; ///< (3, channels); null: none
    const float *bias = nullptr;    ///< of that convolution
    bool tanh = false;
    int factor = 1;
    std::uint8_t *bytes = nullptr; ///< 3 a pixel
    float *planes = nullptr;       ///< of the network's size
    int picture_width = 0;         ///< of `bytes`
    int picture_height = 0;

    template <typename F>
    void pointers(F f)
    {
        f(source), f(scale), f(shift), f(weights), f(bias), f(bytes), f(planes);
    }
};

using Step =
    std::variant<Read, Thumbnail, SmallConv, Mean, Linear, Conv, Depthwise, Moments, Affine, Apply, Write>;

} // namespace anime::cuda
