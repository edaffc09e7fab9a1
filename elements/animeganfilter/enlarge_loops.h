// SPDX-License-Identifier: LGPL-2.1-or-later
// What Enlarger does to each row of the small pictures, compiled for what the CPU has.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace anime
{

/// The fit looks at 5×5 pixels.
constexpr int enlarge_reach = 2;

/// Sums over the rows of the window, for each column, with enlarge_reach columns more on both sides.
struct ColumnSums {
    explicit ColumnSums(int width)
        : photo(static_cast<std::size_t>(width + 2 * enlarge_reach)), painting(photo), squares(photo),
          products(photo)
    {
    }
    /// Repeats the outermost columns.
    void pad();

    std::vector<int> photo;    ///< luma
    std::vector<int> painting; ///< luma
    std::vector<int> squares;  ///< of the photo's
    std::vector<int> products; ///< of both
};

/// For rows of one width.
struct SharpenBuffers {
    SharpenBuffers(int width, int pixel)
        : least(static_cast<std::size_t>((width + 2) * pixel)), most(least), sharp(least),
          luma(static_cast<std::size_t>(width + 2)), more(static_cast<std::size_t>(width * pixel + 4))
    {
    }

    std::vector<std::uint8_t> least; ///< of three rows, with a pixel more on both sides
    std::vector<std::uint8_t> most;
    std::vector<std::uint8_t> sharp; ///< the result
    std::vector<std::int16_t> luma;  ///< sums of three rows, with one more on both sides
    std::vector<std::int16_t> more;  ///< what is added to each byte
};

struct EnlargeLoops {
    /// Adds a row of lumas to the sums, or with the sign -1 takes it out.
    void (*add_row)(const std::uint8_t *photo, const std::uint8_t *painting, int width, int sign,
                    ColumnSums &sums);
    /// The slopes of the fit, in 128ths, from 0 to 1.5.
    void (*fit_row)(const ColumnSums &sums, int width, std::uint8_t *gain);
    /// Sharpens the middle one of three rows, whose lumas are given too.
    void (*sharpen_row)(const std::array<const std::uint8_t *, 3> &rows,
                        const std::array<const std::uint8_t *, 3> &lumas, int width, int pixel,
                        SharpenBuffers &buffers);
};

/// Those that this CPU can run, the quickest first; there is always one.
std::span<const EnlargeLoops> all_enlarge_loops();

inline const EnlargeLoops &enlarge_loops()
{
    return all_enlarge_loops().front();
}

} // namespace anime
