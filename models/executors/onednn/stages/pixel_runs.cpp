// SPDX-License-Identifier: LGPL-2.1-or-later
// Conversion between the types of tensors and float.
#include "models/executors/onednn/stages/pixel_runs.h"

#include "models/executors/onednn/stages/affine.h"

#include <cstring>

namespace anime::onednn
{

Reader::Reader(const Tensor &tensor) : tensor_(tensor)
{
    if (tensor.type != Type::u8)
        return;
    std::vector<float> shift(tensor.channels);
    for (int c = 0; c < tensor.channels; ++c)
        shift[c] = -tensor.quant->zero[c] * tensor.quant->scale[c];
    scale_ = repeated(tensor.quant->scale, chunk_pixels(tensor.channels));
    shift_ = repeated(shift, chunk_pixels(tensor.channels));
}

void Reader::read(int x, int y, int pixels, float *out) const
{
    const std::byte *from = tensor_.row(y) + x * tensor_.pixel_bytes();
    const std::size_t n = static_cast<std::size_t>(pixels) * tensor_.channels;
    switch (tensor_.type) {
    case Type::f32:
        std::memcpy(out, from, n * sizeof(float));
        break;
    case Type::bf16:
        kernels().load_bf16(reinterpret_cast<const std::uint16_t *>(from), out, n);
        break;
    case Type::u8:
        kernels().load_u8(reinterpret_cast<const std::uint8_t *>(from), scale_.data(), shift_.data(), out, n);
        break;
    }
}

Writer::Writer(Tensor &tensor) : tensor_(tensor)
{
    if (tensor.type != Type::u8)
        return;
    std::vector<float> scale(tensor.channels);
    for (int c = 0; c < tensor.channels; ++c)
        scale[c] = 1.0F / tensor.quant->scale[c];
    scale_ = repeated(scale, chunk_pixels(tensor.channels));
    shift_ = repeated(tensor.quant->zero, chunk_pixels(tensor.channels));
}

void Writer::write(int x, int y, int pixels, const float *in) const
{
    std::byte *to = tensor_.row(y) + x * tensor_.pixel_bytes();
    const std::size_t n = static_cast<std::size_t>(pixels) * tensor_.channels;
    switch (tensor_.type) {
    case Type::f32:
        std::memcpy(to, in, n * sizeof(float));
        break;
    case Type::bf16:
        kernels().store_bf16(in, reinterpret_cast<std::uint16_t *>(to), n);
        break;
    case Type::u8:
        kernels().store_u8(in, scale_.data(), shift_.data(), reinterpret_cast<std::uint8_t *>(to), n);
        break;
    }
}

} // namespace anime::onednn
