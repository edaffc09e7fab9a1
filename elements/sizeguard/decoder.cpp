// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/sizeguard/decoder.h"

#include "elements/sizeguard/colours.h"
#include "elements/sizeguard/icc_profile.h"
#include "elements/sizeguard/jpeg_reader.h"
#include "elements/sizeguard/parts_source.h"
#include "elements/sizeguard/vips_setup.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include <vips/vips8>

namespace anime
{

namespace
{

using vips::VError;
using vips::VImage;

/// The last chunk of a PNG, which holds nothing. The decoder is always given this one, since the file's may
/// be missing.
constexpr std::uint8_t PNG_END[] = {0, 0, 0, 0, 'I', 'E', 'N', 'D', 0xae, 0x42, 0x60, 0x82};

/// Where the pixel (x, y) of the file goes: origin + x * step_x + y * step_y.
struct Placement {
    std::uint8_t *origin;
    std::ptrdiff_t step_x;
    std::ptrdiff_t step_y;
};

Placement placement(const Image &out, int orientation)
{
    const std::ptrdiff_t right = out.pixel;
    const std::ptrdiff_t down = out.stride;
    std::uint8_t *const top_left = out.at(0, 0);
    std::uint8_t *const top_right = out.at(out.width - 1, 0);
    std::uint8_t *const bottom_left = out.at(0, out.height - 1);
    std::uint8_t *const bottom_right = out.at(out.width - 1, out.height - 1);
    switch (orientation) { // EXIF 2.32, tag 274: where row 0 and column 0 of the file are in the scene
    case 2:
        return {top_right, -right, down};
    case 3:
        return {bottom_right, -right, -down};
    case 4:
        return {bottom_left, right, -down};
    case 5:
        return {top_left, down, right};
    case 6:
        return {top_right, down, -right};
    case 7:
        return {bottom_right, -down, -right};
    case 8:
        return {bottom_left, -down, right};
    default:
        return {top_left, right, down};
    }
}

struct Sink {
    Placement place;
    int pixel;

    /// Called by libvips with strips of whole lines from top to bottom.
    static int write(VipsRegion *region, VipsRect *area, void *sink)
    {
        const Sink &self = *static_cast<Sink *>(sink);
        const int bands = region->im->Bands;
        for (int y = area->top; y < area->top + area->height; ++y) {
            const VipsPel *in = VIPS_REGION_ADDR(region, area->left, y);
            std::uint8_t *out = self.place.origin + area->left * self.place.step_x + y * self.place.step_y;
            if (self.place.step_x == bands && self.pixel == bands) {
                std::memcpy(out, in, static_cast<std::size_t>(area->width) * bands);
                continue;
            }
            for (int x = 0; x < area->width; ++x, in += bands, out += self.place.step_x) {
                out[0] = in[0];
                out[1] = in[1];
                out[2] = in[2];
                if (self.pixel == 4)
                    out[3] = bands == 4 ? in[3] : 255;
            }
        }
        return 0;
    }
};

/// The largest reduction in libjpeg's inverse DCT that leaves at least `size`, so that a proper filter does
/// the rest.
unsigned jpeg_shrink(Size source, Size size)
{
    unsigned shrink = 8;
    while (shrink > 1 && (source.width / shrink < size.width || source.height / shrink < size.height))
        shrink /= 2;
    return shrink;
}

/// The WebP made of `parts` of `file`, moved to its front: libwebp wants it in one piece.
std::span<std::uint8_t> join_webp(std::span<std::uint8_t> file, const std::vector<ByteRange> &parts)
{
    std::size_t size = 0;
    for (const ByteRange &part : parts) {
        std::memmove(file.data() + size, file.data() + part.begin, part.end - part.begin);
        size += part.end - part.begin;
    }
    for (std::size_t i = 0; i < 4; ++i) // RIFF's own length, without the first two fields
        file[4 + i] = static_cast<std::uint8_t>((size - 8) >> (8 * i));
    return file.first(size);
}

VImage resized(VImage image, Size size)
{
    const double h = static_cast<double>(size.width) / image.width();
    const double v = static_cast<double>(size.height) / image.height();
    if (h == 1.0 && v == 1.0)
        return image;
    if (!image.has_alpha())
        return image.resize(h, VImage::option()->set("vscale", v));
    // Colours of invisible pixels must not bleed into visible ones.
    const VipsBandFormat format = image.format();
    return image.premultiply().resize(h, VImage::option()->set("vscale", v)).unpremultiply().cast(format);
}

} // namespace

Size bounded_size(Size source, unsigned max_dimension)
{
    const unsigned longest = std::max(source.width, source.height);
    if (max_dimension == 0 || longest <= max_dimension)
        return source;
    const auto scaled = [&](unsigned side) {
        const std::uint64_t rounded = (std::uint64_t{side} * max_dimension + longest / 2) / longest;
        return static_cast<unsigned>(std::max<std::uint64_t>(rounded, 1));
    };
    return {scaled(source.width), scaled(source.height)};
}

struct Decoder::State {
    const ImageFormat format;
    const std::span<std::uint8_t> bytes;
    const ImageFacts &facts;
    const Cancellation &cancellation;
    std::unique_ptr<PartsSource> source; // declared before the images, which read from them until they end
    std::unique_ptr<JpegReader> jpeg;
    VImage loaded;
    VImage image;
    bool has_alpha = false;
    ColourReport colours;

    VImage load(Size size)
    {
        VipsImage *out = nullptr;
        int error = 0;
        switch (format) {
        case IMAGE_JPEG:
            jpeg = std::make_unique<JpegReader>(bytes.first(facts.decode.back().end), facts.ending,
                                                cancellation);
            out = jpeg->open(jpeg_shrink({facts.width, facts.height}, size));
            if (out)
                attach_profile(out);
            error = out ? 0 : -1;
            break;
        case IMAGE_WEBP: {
            const std::span<std::uint8_t> picture = join_webp(bytes, facts.decode);
            error = vips_webpload_buffer(picture.data(), picture.size(), &out, "access",
                                         VIPS_ACCESS_SEQUENTIAL, "scale",
                                         std::max(static_cast<double>(size.width) / facts.width,
                                                  static_cast<double>(size.height) / facts.height),
                                         "fail_on", VIPS_FAIL_ON_ERROR, nullptr);
            break;
        }
        default:
            source = std::make_unique<PartsSource>(png_parts(), cancellation);
            error = vips_pngload_source(source->get(), &out, "access", VIPS_ACCESS_SEQUENTIAL, "fail_on",
                                        VIPS_FAIL_ON_ERROR, nullptr);
            if (!error)
                attach_profile(out);
        }
        if (error)
            throw VError();
        return VImage(out);
    }

    std::vector<Bytes> png_parts() const
    {
        std::vector<Bytes> parts;
        for (const ByteRange &part : facts.decode)
            parts.push_back(bytes.subspan(part.begin, part.end - part.begin));
        parts.emplace_back(PNG_END);
        return parts;
    }

    void attach_profile(VipsImage *image) const
    {
        std::vector<std::uint8_t> profile;
        for (const ByteRange &part : facts.profile)
            profile.insert(profile.end(), bytes.data() + part.begin, bytes.data() + part.end);
        if (format == IMAGE_PNG && !profile.empty())
            profile = inflate_profile(profile);
        if (!profile.empty())
            vips_image_set_blob_copy(image, VIPS_META_ICC_NAME, profile.data(), profile.size());
    }

    Failure failure() const
    {
        if (cancellation.cancelled())
            return {.code = "cancelled"};
        if (jpeg && jpeg->failure())
            return *jpeg->failure();
        // For the log only: the buffer is the process's, so it may hold what another image's decoder said.
        char *text = vips_error_buffer_copy();
        const std::string debug = text;
        g_free(text);
        if (facts.ending == Ending::end_of_file)
            return truncated_image(format_names(format), bytes.size(), debug);
        Failure corrupt = corrupt_image(format_names(format), "its picture data can't be decoded");
        corrupt.debug = debug;
        return corrupt;
    }
};

Decoder::Decoder(ImageFormat format, std::span<std::uint8_t> bytes, const ImageFacts &facts,
                 const Cancellation &cancellation)
    : state_(new State{.format = format,
                       .bytes = bytes,
                       .facts = facts,
                       .cancellation = cancellation,
                       .source = {},
                       .jpeg = {},
                       .loaded = {},
                       .image = {},
                       .has_alpha = false,
                       .colours = {}})
{
}

Decoder::~Decoder()
{
    state_.reset();
    vips_thread_shutdown();
}

bool Decoder::has_alpha() const
{
    return state_->has_alpha;
}

const ColourReport &Decoder::colours() const
{
    return state_->colours;
}

std::optional<Failure> Decoder::open(Size size)
{
    if (!set_up_vips())
        return Failure{.code = "libvips-missing",
                       .message = "The image library libvips could not start.",
                       .remedy = "Install libvips again.",
                       .debug = vips_error_buffer()};
    try {
        State &s = *state_;
        s.loaded = s.load(size);
        const bool cmyk = s.loaded.interpretation() == VIPS_INTERPRETATION_CMYK;
        s.image = cmyk ? resized(to_srgb(s.loaded, s.facts, s.colours), size)
                       : to_srgb(resized(s.loaded, size), s.facts, s.colours);
        s.image = s.image.cast(VIPS_FORMAT_UCHAR);
        if (s.image.bands() < 3 || s.image.bands() > 4)
            throw VError("unexpected number of bands");
        s.has_alpha = s.image.bands() == 4;
    } catch (const VError &) {
        return state_->failure();
    }
    return {};
}

std::optional<Failure> Decoder::decode(const Image &out, int orientation, Cancellation &cancellation)
{
    State &s = *state_;
    try {
        if (out.pixel == 3 && has_alpha())
            s.image = s.image.flatten(VImage::option()->set("background", std::vector<double>{255}))
                          .cast(VIPS_FORMAT_UCHAR);
        const Cancellation::Watch watch(cancellation,
                                        [&s] { vips_image_set_kill(s.loaded.get_image(), TRUE); });
        Sink sink{placement(out, orientation), out.pixel};
        if (vips_sink_disc(s.image.get_image(), Sink::write, &sink))
            return s.failure();
    } catch (const VError &) {
        return s.failure();
    }
    if (s.jpeg && !s.jpeg->finish())
        return s.failure();
    return {};
}

} // namespace anime
