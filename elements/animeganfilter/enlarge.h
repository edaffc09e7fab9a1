// SPDX-License-Identifier: LGPL-2.1-or-later
// Enlarges a painting that was made at a smaller size, with crisp lines and borders: the photo is at hand in
// full size.
#pragma once

#include "models/image.h"

#include <cstdint>
#include <vector>

namespace anime
{

/// Enlarged bicubically, lines grow soft. Two things are done about it:
/// - Where the painting follows the photo (by a local fit of luma to luma, as in K. He, J. Sun and X. Tang,
/// Guided
///   image filtering, 2013), what the photo lost when it was made smaller is added in the same proportion:
///   borders lie where they lie in the photo. Where the painting has flattened a texture, nothing follows and
///   nothing is added.
/// - Lines, which the photo doesn't have, are sharpened before, within the range of their neighbours, so that
/// no halo
///   appears.
/// For one stream: keeps its buffers from picture to picture.
class Enlarger
{
public:
    /// `small_photo` is `photo` at the size of `small_painting`, `out` has the size of `photo`. Photos have
    /// pixels of one size, and so have `small_painting` and `out`.
    void enlarge(const ConstImage &small_photo, const ConstImage &small_painting, const ConstImage &photo,
                 const Image &out);

    /// Frees the buffers.
    void forget() { *this = {}; }

private:
    void sharpen(const ConstImage &painting);
    void fit();

    int width_ = 0; ///< of the small pictures
    int height_ = 0;
    std::vector<std::uint8_t> photo_luma_;
    std::vector<std::uint8_t> painting_luma_;
    std::vector<std::uint8_t> small_;      ///< R, G, B of the sharpened painting, luma of the photo
    std::vector<std::uint8_t> small_gain_; ///< the painting's part in the photo's detail, in 128ths
    std::vector<std::uint8_t> large_;
    std::vector<std::uint8_t> large_gain_;
};

} // namespace anime
