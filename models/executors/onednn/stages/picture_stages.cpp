// SPDX-License-Identifier: LGPL-2.1-or-later
// Pictures to tensors and back.
#include "models/executors/onednn/stages/picture_stages.h"

#include "models/executors/onednn/stages/each_row.h"
#include "models/executors/onednn/stages/pixel_runs.h"
#include "models/padding.h"

#include <algorithm>
#include <array>

namespace anime::onednn
{

namespace
{

float value_of(int byte)
{
    return static_cast<float>(byte) / 127.5F - 1.0F;
}

template <typename T>
std::array<T, 256> value_table()
{
    std::array<T, 256> out;
    for (int i = 0; i < 256; ++i) {
        const float v = value_of(i);
        if constexpr (sizeof(T) == 4)
            out[i] = v;
        else
            kernels().store_bf16(&v, &out[i], 1);
    }
    return out;
}

template <typename T>
T value_at(int byte)
{
    if constexpr (sizeof(T) == 1) {
        return static_cast<T>(byte);
    } else {
        static const std::array<T, 256> table = value_table<T>();
        return table[byte];
    }
}

/// The factor of the lite network, known to the compiler; any other one takes the loop that reads it.
constexpr int usual_factor = 2;

/// `n` unshuffled pixels from one picture row; `factor` is 0 where `wanted` says it.
template <typename T, int factor>
void unshuffle(const std::uint8_t *from, int pixel, int n, int wanted, T *to, int channels)
{
    const int f = factor ? factor : wanted;
    for (int x = 0; x < n; ++x, to += channels)
        for (int dx = 0; dx < f; ++dx, from += pixel)
            for (int c = 0; c < 3; ++c)
                to[c * f * f + dx] = value_at<T>(from[c]);
}

/// `n` pixels of a picture row from the values of `row` of each cell; the inverse of the above.
template <int factor>
void shuffle(const std::uint8_t *from, int channels, int n, int wanted, std::uint8_t *to, int pixel)
{
    const int f = factor ? factor : wanted;
    for (int x = 0; x < n; ++x, from += channels)
        for (int dx = 0; dx < f; ++dx, to += pixel)
            for (int c = 0; c < 3; ++c)
                to[c] = from[c * f * f + dx];
}

} // namespace

ReadStage::ReadStage(const Frame &frame, int factor, std::vector<Tensor *> tensors)
    : Stage("input", tensors.front()->height), frame_(frame), factor_(factor)
{
    outputs = std::move(tensors);
}

template <typename T>
void ReadStage::read_row(const Tensor &out, int y) const
{
    auto *to = reinterpret_cast<T *>(out.row(y));
    const ConstImage &in = frame_.in;
    const int area = factor_ * factor_;
    // Pixels whose columns are all inside the picture; the others mirror it.
    const int inside = std::min(out.width, in.width / factor_);
    for (int dy = 0; dy < factor_; ++dy) {
        const std::uint8_t *from = in.row(mirrored(y * factor_ + dy, in.height));
        T *line = to + dy * factor_;
        if (factor_ == usual_factor)
            unshuffle<T, usual_factor>(from, in.pixel, inside, factor_, line, out.channels);
        else
            unshuffle<T, 0>(from, in.pixel, inside, factor_, line, out.channels);
        for (int x = inside; x < out.width; ++x)
            for (int dx = 0; dx < factor_; ++dx)
                for (int c = 0; c < 3; ++c)
                    line[static_cast<std::ptrdiff_t>(x) * out.channels + c * area + dx] =
                        value_at<T>(from[mirrored(x * factor_ + dx, in.width) * in.pixel + c]);
    }
}

void ReadStage::run(Rows rows)
{
    for (const Tensor *output : outputs) {
        each_row(rows, [&](int y) {
            switch (output->type) {
            case Type::f32:
                read_row<float>(*output, y);
                break;
            case Type::bf16:
                read_row<std::uint16_t>(*output, y);
                break;
            case Type::u8:
                read_row<std::uint8_t>(*output, y);
                break;
            }
            output->fill_sides(y);
        });
        output->fill_ends(rows.begin, rows.end);
    }
}

WriteStage::WriteStage(const Frame &frame, int factor, Tensor &in)
    : Stage("output", in.height), frame_(frame), factor_(factor), in_(in)
{
    inputs = {&in};
}

Rows WriteStage::needs(std::size_t, Rows out) const
{
    return {in_.border.top + out.begin, in_.border.top + out.end};
}

void WriteStage::write_row(int y) const
{
    const Image &out = frame_.out;
    const int area = factor_ * factor_;
    const int step = chunk_pixels(in_.channels);
    std::array<std::uint8_t, chunk_room> bytes;
    for (int x = 0; x < in_.width && x * factor_ < out.width; x += step) {
        const int pixels = std::min(step, in_.width - x);
        const std::byte *from = in_.row(y) + x * in_.pixel_bytes();
        const auto *values = reinterpret_cast<const std::uint8_t *>(from);
        if (in_.type == Type::f32) {
            kernels().to_bytes(reinterpret_cast<const float *>(from), bytes.data(),
                               static_cast<std::size_t>(pixels) * in_.channels);
            values = bytes.data();
        }
        for (int dy = 0; dy < factor_; ++dy) {
            const int row = y * factor_ + dy;
            if (row >= out.height)
                break;
            const std::uint8_t *line = values + dy * factor_;
            const int whole = std::min(pixels, out.width / factor_ - x);
            std::uint8_t *to = out.at(x * factor_, row);
            if (factor_ == usual_factor)
                shuffle<usual_factor>(line, in_.channels, whole, factor_, to, out.pixel);
            else
                shuffle<0>(line, in_.channels, whole, factor_, to, out.pixel);
            const int end = std::min((x + pixels) * factor_, out.width);
            for (int i = (x + whole) * factor_; i < end; ++i)
                for (int c = 0; c < 3; ++c)
                    out.at(i, row)[c] = line[whole * in_.channels + i % factor_ + c * area];
        }
    }
}

void WriteStage::run(Rows rows)
{
    each_row(rows, [this](int y) { write_row(y); });
}

} // namespace anime::onednn
