// SPDX-License-Identifier: LGPL-2.1-or-later
// anime-painter LOOK PHOTO OUT: paints one photo as the looks' teacher does; without a network, and slowly.
#include "models/training/painter/colour.h"
#include "models/training/painter/looks.h"

#include <vips/vips8>

#include <cstdio>
#include <exception>
#include <string_view>

namespace
{

using namespace anime::training;

const LookName *find_look(std::string_view name)
{
    for (const LookName &look : looks()) {
        if (look.name == name)
            return &look;
    }
    return nullptr;
}

void paint_file(const LookName &look, const char *from, const char *to)
{
    auto image = vips::VImage::new_from_file(from).autorot().colourspace(VIPS_INTERPRETATION_sRGB);
    if (image.has_alpha())
        image = image.flatten();
    image = image.cast(VIPS_FORMAT_UCHAR);
    std::size_t size = 0;
    auto *bytes = static_cast<std::uint8_t *>(image.write_to_memory(&size));
    const Picture photo = from_rgb(bytes, image.width(), image.height());
    to_rgb(look.paint(draw(photo)), bytes);
    vips::VImage::new_from_memory(bytes, size, image.width(), image.height(), 3, VIPS_FORMAT_UCHAR)
        .copy(vips::VImage::option()->set("interpretation", VIPS_INTERPRETATION_sRGB))
        .write_to_file(to);
    g_free(bytes);
}

} // namespace

int main(int argc, char **argv)
{
    const LookName *look = argc == 4 ? find_look(argv[1]) : nullptr;
    if (look == nullptr) {
        std::fprintf(stderr, "usage: anime-painter LOOK PHOTO OUT, where LOOK is one of:");
        for (const LookName &known : looks())
            std::fprintf(stderr, " %s", known.name);
        std::fprintf(stderr, "\n");
        return 2;
    }
    if (VIPS_INIT(argv[0]) != 0)
        return 1;
    try {
        paint_file(*look, argv[2], argv[3]);
    } catch (const std::exception &error) {
        std::fprintf(stderr, "anime-painter: %s\n", error.what());
        return 1;
    }
    return 0;
}
