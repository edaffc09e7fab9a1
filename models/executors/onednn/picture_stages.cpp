// SPDX-License-Identifier: LGPL-2.1-or-later
// Pictures to tensors and back.
#include "models/executors/onednn/picture_stages.h"

#include "models/executors/onednn/elements.h"
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
        else if constexpr (sizeof(T) == 2)
            kernels().store_bf16(&v, &out[i], 1);
        else
            out[i] = static_cast<T>(i);
    }
    return out;
}

template <typename T>
const T *values()
{
    static const std::array<T, 256> table = value_table<T>();
    return table.data();
}

} // namespace

Quant picture_quant(int channels)
{
    return {std::vector<float>(channels, 1.0F / 127.5F), std::vector<float>(channels, 127.5F)};
}

ReadStage::ReadStage(const Frame &frame, int factor, std::vector<Tensor *> tensors)
    : Stage("input", tensors.front()->height), frame_(frame), factor_(factor)
{
    outputs = std::move(tensors);
}

template <typename T>
void ReadStage::read_row(const Tensor &out, int y, const T *table) const
{
    auto *to = reinterpret_cast<T *>(out.row(y));
    const ConstImage &in = frame_.in;
    const int area = factor_ * factor_;
    for (int dy = 0; dy < factor_; ++dy) {
        const std::uint8_t *from = in.row(mirrored(y * factor_ + dy, in.height));
        for (int x = 0; x < out.width; ++x)
            for (int dx = 0; dx < factor_; ++dx) {
                const int source = x * factor_ + dx;
                const std::uint8_t *pixel =
                    from + (source < in.width ? source : mirrored(source, in.width)) * in.pixel;
                T *values = to + static_cast<std::ptrdiff_t>(x) * out.channels + dy * factor_ + dx;
                for (int c = 0; c < 3; ++c)
                    values[c * area] = table[pixel[c]];
            }
    }
}

void ReadStage::run(Rows rows)
{
    for (const Tensor *output : outputs) {
#pragma omp parallel for schedule(static)
        for (int y = rows.begin; y < rows.end; ++y) {
            switch (output->type) {
            case Type::f32:
                read_row(*output, y, values<float>());
                break;
            case Type::bf16:
                read_row(*output, y, values<std::uint16_t>());
                break;
            case Type::u8:
                read_row(*output, y, values<std::uint8_t>());
                break;
            }
            output->fill_sides(y);
        }
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
            const int end = std::min((x + pixels) * factor_, out.width);
            std::uint8_t *to = out.at(x * factor_, row);
            for (int i = x * factor_; i < end; ++i, to += out.pixel) {
                const std::uint8_t *value =
                    values + (i / factor_ - x) * in_.channels + dy * factor_ + i % factor_;
                for (int c = 0; c < 3; ++c)
                    to[c] = value[c * area];
            }
        }
    }
}

void WriteStage::run(Rows rows)
{
#pragma omp parallel for schedule(static)
    for (int y = rows.begin; y < rows.end; ++y)
        write_row(y);
}

} // namespace anime::onednn
