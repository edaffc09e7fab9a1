// SPDX-License-Identifier: LGPL-2.1-or-later
// The painter as a C function, for the programs that train.
#include "models/training/painter/colour.h"
#include "models/training/painter/looks.h"

#include <cstdint>
#include <new>

/// Paints `rgb` (width × height, 8 bits, no padding) in every look, one after another into `out`.
/// Returns how many looks that is; 0 if memory ran out. `out` may be null to ask only that.
extern "C" int anime_painter_paint(const std::uint8_t *rgb, int width, int height, std::uint8_t *out)
{
    using namespace anime::training;
    if (out == nullptr)
        return static_cast<int>(looks().size());
    try {
        const Drawing drawing = draw(from_rgb(rgb, width, height));
        for (const LookName &look : looks()) {
            to_rgb(look.paint(drawing), out);
            out += static_cast<std::size_t>(width) * static_cast<std::size_t>(height) * 3;
        }
    } catch (const std::bad_alloc &) {
        return 0;
    }
    return static_cast<int>(looks().size());
}

extern "C" const char *anime_painter_look(int index)
{
    const auto &all = anime::training::looks();
    return index >= 0 && static_cast<std::size_t>(index) < all.size()
               ? all[static_cast<std::size_t>(index)].name
               : nullptr;
}
