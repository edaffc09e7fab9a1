// SPDX-License-Identifier: LGPL-2.1-or-later
// What the tests of convolutions of bytes share: tensors that notice who writes beside them, and numbers.
#pragma once

#include "models/compiler/tensor.h"
#include "models/executors/onednn/compiler_names.h"
#include "models/executors/onednn/stages/affine.h"
#include "tests/models/owned_tensor.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <memory>
#include <random>
#include <utility>
#include <vector>

namespace anime::onednn
{

inline std::mt19937 &random_engine()
{
    static std::mt19937 engine(17);
    return engine;
}

inline float normal()
{
    return std::normal_distribution<float>(0, 1)(random_engine());
}

/// A tensor all of which is in memory, and behind it and before it a row that nobody may touch.
struct Owned : test::OwnedTensor {
    static constexpr std::byte untouched{0xee};

    Owned(Type type, int channels, int height, int width, Border border = {})
        : OwnedTensor(type, channels, height, width, border, 1)
    {
        if (type == Type::u8)
            tensor.quant = std::make_shared<Quant>(
                Quant{std::vector<float>(channels, 0.01F), std::vector<float>(channels, 40.0F)});
        std::fill(memory.begin(), memory.end(), untouched);
    }

    std::byte *at(int y, int x, int c) const
    {
        return tensor.bordered_row(y) + x * tensor.pixel_bytes() + c * size_of(tensor.type);
    }

    /// The real value; rows and columns are counted with the border.
    double get(int y, int x, int c) const
    {
        switch (tensor.type) {
        case Type::f32:
            return *reinterpret_cast<const float *>(at(y, x, c));
        case Type::bf16:
            return std::bit_cast<float>(std::uint32_t(*reinterpret_cast<const std::uint16_t *>(at(y, x, c)))
                                        << 16);
        case Type::u8:
            break;
        }
        return tensor.quant->scale[c] * (std::to_integer<int>(*at(y, x, c)) - tensor.quant->zero[c]);
    }

    bool nothing_around() const
    {
        const auto row = static_cast<std::ptrdiff_t>(tensor.row_bytes());
        const auto clean = [](std::byte b) { return b == untouched; };
        return std::all_of(memory.begin(), memory.begin() + row, clean) &&
               std::all_of(memory.end() - row, memory.end(), clean);
    }
};

/// A tensor of bytes, its border too, all of it random.
inline Owned random_bytes(int channels, int height, int width, Border border)
{
    Owned out(Type::u8, channels, height, width, border);
    for (int y = 0; y < out.tensor.bordered_rows(); ++y)
        for (int x = 0; x < out.tensor.bordered_width(); ++x)
            for (int c = 0; c < channels; ++c)
                *out.at(y, x, c) = static_cast<std::byte>(random_engine()() % 256);
    return out;
}

/// What rounding to `type` leaves of a value that a stage computes with this error: the value, and how far
/// off it may be.
inline std::pair<double, double> rounded_to(Type type, double value, double error)
{
    if (type == Type::u8) // the quantisation of an Owned
        return {std::clamp(value, -0.4, 2.15), error + 0.005};
    return {value, error + (type == Type::bf16 ? std::fabs(value) / 256 : 0)};
}

/// Sum and sum of squares of what is inside the border.
inline std::pair<double, double> moments_of(const Owned &value)
{
    const Tensor &t = value.tensor;
    std::pair<double, double> out{0, 0};
    for (int y = 0; y < t.height; ++y)
        for (int x = 0; x < t.width; ++x)
            for (int c = 0; c < t.channels; ++c) {
                const double v = value.get(t.border.top + y, t.border.left + x, c);
                out.first += v;
                out.second += v * v;
            }
    return out;
}

/// The moments that a stage added up are those of what it wrote.
inline void expect_moments(const Moments &moments, const std::vector<const Owned *> &outs)
{
    double sum = 0;
    double squares = 0;
    double count = 0;
    for (const Owned *out : outs) {
        const auto [of_one, squares_of_one] = moments_of(*out);
        sum += of_one;
        squares += squares_of_one;
        count += static_cast<double>(out->tensor.height) * out->tensor.width * out->tensor.channels;
    }
    EXPECT_NEAR(moments.sum, sum, 1e-3 * count);
    EXPECT_NEAR(moments.squares, squares, 5e-3 * squares);
    EXPECT_EQ(moments.count, count);
}

} // namespace anime::onednn
