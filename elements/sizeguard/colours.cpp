// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/sizeguard/colours.h"

#include "elements/sizeguard/icc_profile.h"

#include <optional>
#include <vector>

#include <vips/vips8>

namespace anime
{

namespace
{

using vips::VError;
using vips::VImage;

unsigned colour_channels(const VImage &image)
{
    return static_cast<unsigned>(image.bands()) - (const_cast<VImage &>(image).has_alpha() ? 1 : 0);
}

VImage without_profile(const VImage &image)
{
    VImage bare = image.copy();
    bare.remove(VIPS_META_ICC_NAME);
    return bare;
}

/// Three equal colours for one.
VImage spread(const VImage &image)
{
    if (colour_channels(image) != 1)
        return image;
    return image.colourspace(image.format() == VIPS_FORMAT_USHORT ? VIPS_INTERPRETATION_RGB16
                                                                  : VIPS_INTERPRETATION_sRGB);
}

/// `image`, whose colours use the part of the range that video does (H.273, 8.3), over all of it.
VImage with_full_range(const VImage &image)
{
    const bool sixteen = image.format() == VIPS_FORMAT_USHORT;
    const double step = sixteen ? 256 : 1;
    const double most = sixteen ? 65535 : 255;
    const double scale = most / (219 * step);
    std::vector<double> factors(static_cast<std::size_t>(image.bands()), 1);
    std::vector<double> offsets(factors.size(), 0);
    for (unsigned i = 0; i < colour_channels(image); ++i) {
        factors[i] = scale;
        offsets[i] = 0.5 - 16 * step * scale;
    }
    return image.linear(factors, offsets)
        .cast(image.format())
        .copy(VImage::option()->set("interpretation", image.interpretation()));
}

/// Through the profile that is attached to `image`. Nothing: the profile can't be used.
std::optional<VImage> through_profile(const VImage &image, bool perceptual)
{
    // An alpha channel goes along unchanged, so it keeps its meaning only if the depth stays what it is.
    const int depth = image.format() == VIPS_FORMAT_USHORT ? 16 : 8;
    try {
        return image
            .icc_transform("srgb",
                           VImage::option()
                               ->set("embedded", true)
                               ->set("depth", depth)
                               ->set("intent", perceptual ? VIPS_INTENT_PERCEPTUAL : VIPS_INTENT_RELATIVE))
            .colourspace(VIPS_INTERPRETATION_sRGB);
    } catch (const VError &) {
        return {};
    }
}

std::optional<VImage> by_own_profile(const VImage &image, const ImageFacts &facts, ColourReport &report)
{
    if (image.get_typeof(VIPS_META_ICC_NAME) == 0) {
        if (facts.has_profile)
            report.fault = "icc-broken"; // in pieces that don't belong together, or badly packed
        return {};
    }
    std::size_t size = 0;
    const auto *profile = static_cast<const std::uint8_t *>(image.get_blob(VIPS_META_ICC_NAME, &size));
    const ProfileUse use = use_of_profile({profile, size}, colour_channels(image));
    if (use.fault) {
        report.fault = use.fault;
        return {};
    }
    const VImage wanted = use.channels == 3 ? spread(image) : image;
    std::optional<VImage> result = through_profile(wanted, use.perceptual);
    if (result)
        report.source = "icc";
    else
        report.fault = "icc-broken";
    return result;
}

std::optional<VImage> by_made_profile(const VImage &image, const MadeProfile &profile)
{
    if (profile.srgb)
        return image.colourspace(VIPS_INTERPRETATION_sRGB);
    VImage tagged = spread(image).copy();
    vips_image_set_blob_copy(tagged.get_image(), VIPS_META_ICC_NAME, profile.bytes.data(),
                             profile.bytes.size());
    return through_profile(tagged, false);
}

std::optional<VImage> by_cicp(const VImage &image, const PngColours::Cicp &cicp, ColourReport &report)
{
    std::optional<VImage> result;
    if (const auto profile = profile_of_cicp(cicp))
        result = by_made_profile(cicp.full_range ? image : with_full_range(image), *profile);
    if (result)
        report.source = "cicp";
    else
        report.fault = "cicp-unsupported";
    return result;
}

} // namespace

VImage to_srgb(const VImage &image, const ImageFacts &facts, ColourReport &report)
{
    const VImage bare = without_profile(image);
    if (facts.png.cicp)
        if (const auto result = by_cicp(bare, *facts.png.cicp, report))
            return *result;
    if (const auto result = by_own_profile(image, facts, report))
        return *result;
    if (image.interpretation() == VIPS_INTERPRETATION_CMYK) {
        report.source = "cmyk";
        return bare.icc_transform("srgb", VImage::option()->set("input_profile", "cmyk")->set("depth", 8));
    }
    if (!facts.png.srgb)
        if (const auto profile = profile_of_gamma(facts.png); profile && !profile->srgb)
            if (const auto result = by_made_profile(bare, *profile)) {
                report.source = "gamma";
                return *result;
            }
    return bare.colourspace(VIPS_INTERPRETATION_sRGB);
}

} // namespace anime
