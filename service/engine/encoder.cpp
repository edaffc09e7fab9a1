// SPDX-License-Identifier: LGPL-2.1-or-later
#include "service/engine/encoder.h"

#include <vips/vips8>

#include <stdexcept>

namespace anime::service
{

namespace
{

struct Format {
    const char *name;
    const char *suffix; ///< of libvips' saver, with options that are the same for all pictures
    int quality;
    const char *remedy;
};

/// AVIF at effort 3: a picture of 2 megapixels in about a second, 4 % larger than at the default 4.
constexpr Format formats[] = {
    {"webp", ".webp[strip]", 85, "Install a libvips that was built with libwebp."},
    {"avif", ".avif[compression=av1,effort=3,strip]", 60,
     "Install libvips with libheif and its AV1 encoder (Debian 13: libheif-plugin-aomenc)."},
};

const Format &format_named(const std::string &name)
{
    for (const Format &format : formats)
        if (format.name == name)
            return format;
    throw std::runtime_error("no encoder for " + name);
}

Bytes save(const vips::VImage &image, const Format &format, int quality)
{
    void *data = nullptr;
    std::size_t size = 0;
    image.write_to_buffer(format.suffix, &data, &size,
                          vips::VImage::option()->set("Q", quality > 0 ? quality : format.quality));
    const std::unique_ptr<void, decltype(&g_free)> owner(data, g_free);
    const auto *bytes = static_cast<const std::uint8_t *>(data);
    return Bytes(bytes, bytes + size);
}

} // namespace

std::vector<EncoderFormat> encoder_formats()
{
    std::vector<EncoderFormat> found;
    for (const Format &format : formats) {
        EncoderFormat entry{format.name, format.quality, {}};
        try {
            save(vips::VImage::black(16, 16, vips::VImage::option()->set("bands", 3)), format, 0);
        } catch (const std::exception &error) {
            entry.missing = std::string(error.what()) + " " + format.remedy;
        }
        found.push_back(std::move(entry));
    }
    return found;
}

Bytes encode(const Bytes &png, const std::string &format, int quality)
{
    const vips::VImage image = vips::VImage::new_from_buffer(png.data(), png.size(), "");
    return save(image, format_named(format), quality);
}

} // namespace anime::service
