// SPDX-License-Identifier: LGPL-2.1-or-later
// The painter's pictures: rows of floats, or of Lab pixels (four floats, so that one pixel is one register).
#pragma once

#include <cstddef>
#include <vector>

namespace anime::training
{

/// L (0 to 100), a, b and an unused fourth.
using Lab = float __attribute__((vector_size(16)));

template <typename T>
struct Grid {
    Grid() = default;
    Grid(int w, int h, T value = T{})
        : width(w), height(h), cells(static_cast<std::size_t>(w) * static_cast<std::size_t>(h), value)
    {
    }
    T *row(int y) { return cells.data() + static_cast<std::size_t>(y) * static_cast<std::size_t>(width); }
    const T *row(int y) const
    {
        return cells.data() + static_cast<std::size_t>(y) * static_cast<std::size_t>(width);
    }
    T &operator[](std::size_t i) { return cells[i]; }
    const T &operator[](std::size_t i) const { return cells[i]; }
    std::size_t size() const { return cells.size(); }

    int width = 0;
    int height = 0;
    std::vector<T> cells;
};

using Plane = Grid<float>;
using Picture = Grid<Lab>;

/// Where a coordinate beyond the edge lies: mirrored, the edge itself not repeated.
inline int mirror(int i, int n)
{
    if (n == 1)
        return 0;
    while (i < 0 || i >= n)
        i = i < 0 ? -i : 2 * n - 2 - i;
    return i;
}

} // namespace anime::training
