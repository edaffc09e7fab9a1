// SPDX-License-Identifier: LGPL-2.1-or-later
// Tells where a video cuts to another picture, so that what was learnt of the frames before is not kept.
#pragma once

#include "models/image.h"

#include <array>
#include <optional>

namespace anime
{

/// For one stream. Motion, a fade and a change of exposure are no cuts; a flash is one, twice.
class SceneCut
{
public:
    /// Whether `frame` shows something else than the frame before. The first one, and one after forget(),
    /// does not.
    bool is_cut(const ConstImage &frame);
    void forget() { last_.reset(); }

private:
    static constexpr int columns = 24;
    static constexpr int rows = 16;
    /// The mean luma of each cell, from up to 16 of its pixels.
    using Thumbnail = std::array<float, columns * rows>;
    static Thumbnail thumbnail_of(const ConstImage &frame);

    std::optional<Thumbnail> last_;
};

} // namespace anime
