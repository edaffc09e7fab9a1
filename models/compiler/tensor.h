// SPDX-License-Identifier: LGPL-2.1-or-later
// A value of the plan in memory: rows of interleaved channels (NHWC) with a border for the next convolution.
// Only a window of the rows is kept where producer and consumers work in step.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace anime::compiler
{

enum class Type { f32, bf16, u8 };

constexpr std::size_t size_of(Type type)
{
    return type == Type::f32 ? 4 : type == Type::bf16 ? 2 : 1;
}

/// The next multiple of `to`.
constexpr std::size_t rounded_up(std::size_t n, std::size_t to)
{
    return (n + to - 1) / to * to;
}

const char *to_string(Type type);

/// What the border holds. Low-resolution inputs of a fused legacy upsampling repeat the last row and column,
/// which is what reflecting the upsampled picture amounts to.
enum class Fill { reflect, reflect_then_repeat };

struct Border {
    int left = 0;
    int right = 0;
    int top = 0;
    int bottom = 0;
    Fill fill = Fill::reflect;

    bool operator==(const Border &) const = default;
};

/// x = scale[c] · (q − zero[c]), q in 0 … 255.
struct Quant {
    std::vector<float> scale;
    std::vector<float> zero;

    bool operator==(const Quant &) const = default;
};

struct Tensor {
    std::string name;
    Type type = Type::f32;
    int channels = 0;
    int height = 0;
    int width = 0;
    Border border;
    std::shared_ptr<const Quant> quant; ///< u8 only

    /// Rows with border are counted from the first row of the top border.
    int bordered_rows() const { return border.top + height + border.bottom; }
    int bordered_width() const { return border.left + width + border.right; }
    std::size_t pixel_bytes() const { return channels * size_of(type); }
    std::size_t row_bytes() const { return bordered_width() * pixel_bytes(); }

    std::byte *bordered_row(int r) const
    {
        return data + (r - first) * static_cast<std::ptrdiff_t>(row_bytes());
    }
    /// The first pixel of row `y` inside the border.
    std::byte *row(int y) const { return bordered_row(border.top + y) + border.left * pixel_bytes(); }

    /// How many bordered rows can be read once `done` rows are written.
    int readable(int done) const;
    /// How many rows have to be written before `end` bordered rows can be read.
    int rows_for(int end) const;

    /// Fills the border beside row `y`.
    void fill_sides(int y) const;
    /// Fills the border above and below as far as the rows [from, to), just written, allow it.
    void fill_ends(int from, int to) const;
    /// Both, behind the rows [from, to).
    void fill_borders(int from, int to) const;
    /// Forgets the rows before bordered row `keep`; `rows` rows from there move to the start of the window.
    void slide(int keep, int rows);

    // Set by the schedule.
    int window = 0; ///< bordered rows in memory
    int first = 0;  ///< the bordered row at `data`
    std::byte *data = nullptr;
};

} // namespace anime::compiler
