// SPDX-License-Identifier: LGPL-2.1-or-later
// Borders and windows of tensors.
#include "models/compiler/tensor.h"

#include "models/padding.h"

#include <algorithm>
#include <cstring>

namespace anime::compiler
{

namespace
{

/// Which row or column of `n` stands at `i` outside of it.
int source_of(int i, int n, Fill fill)
{
    return fill == Fill::reflect_then_repeat && i >= n ? n - 1 : mirrored(i, n);
}

} // namespace

const char *to_string(Type type)
{
    return type == Type::f32 ? "f32" : type == Type::bf16 ? "bf16" : "u8";
}

int Tensor::readable(int done) const
{
    if (done >= height)
        return bordered_rows();
    return done > border.top ? border.top + done : 0;
}

int Tensor::rows_for(int end) const
{
    if (end <= 0)
        return 0;
    if (end > border.top + height)
        return height;
    return std::min(height, std::max(end - border.top, border.top + 1));
}

void Tensor::fill_sides(int y) const
{
    std::byte *pixels = row(y);
    const std::size_t bytes = pixel_bytes();
    const auto fill = [&](int x) {
        std::memcpy(pixels + x * static_cast<std::ptrdiff_t>(bytes),
                    pixels + source_of(x, width, border.fill) * bytes, bytes);
    };
    for (int x = -border.left; x < 0; ++x)
        fill(x);
    for (int x = width; x < width + border.right; ++x)
        fill(x);
}

void Tensor::fill_ends(int from, int to) const
{
    const auto fill = [&](int y) {
        std::memcpy(bordered_row(border.top + y),
                    bordered_row(border.top + source_of(y, height, border.fill)), row_bytes());
    };
    const int enough = std::min(height, border.top + 1);
    if (from < enough && to >= enough)
        for (int y = -border.top; y < 0; ++y)
            fill(y);
    if (to == height)
        for (int y = height; y < height + border.bottom; ++y)
            fill(y);
}

void Tensor::fill_borders(int from, int to) const
{
    if (border == Border{})
        return;
    for (int y = from; y < to; ++y)
        fill_sides(y);
    fill_ends(from, to);
}

void Tensor::slide(int keep, int rows)
{
    if (rows > 0)
        std::memmove(data, bordered_row(keep), rows * row_bytes());
    first = keep;
}

} // namespace anime::compiler
