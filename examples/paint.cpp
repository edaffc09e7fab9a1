// SPDX-License-Identifier: LGPL-2.1-or-later
// Paints a picture with the library alone, without GStreamer: opens a style by name and gives it pixels.
// c++ -std=c++20 paint.cpp -o paint $(pkg-config --cflags --libs anime-models)
// usage: paint INPUT.ppm OUTPUT.ppm [STYLE]
#include <models/painter.h>

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

int main(int argc, char **argv)
{
    if (argc < 3)
        return std::fprintf(stderr, "usage: %s INPUT.ppm OUTPUT.ppm [STYLE]\n", argv[0]), 2;
    std::ifstream in(argv[1], std::ios::binary);
    std::string magic;
    int width = 0, height = 0, depth = 0;
    if (!(in >> magic >> width >> height >> depth) || magic != "P6" || depth != 255 || width < 1 ||
        height < 1)
        return std::fprintf(stderr, "%s is no PPM picture of 8 bits\n", argv[1]), 1;
    in.get();
    std::vector<std::uint8_t> photo(std::size_t(3) * width * height), painting(photo.size());
    if (!in.read(reinterpret_cast<char *>(photo.data()), photo.size()))
        return std::fprintf(stderr, "%s ends too early\n", argv[1]), 1;

    try {
        anime::PaintSettings settings;
        if (argc > 3)
            settings.model = argv[3];
        const auto painter = anime::open_painter(settings);
        const std::atomic<bool> cancel = false;
        painter->paint({photo.data(), width, height, 3 * width}, {painting.data(), width, height, 3 * width},
                       cancel);
        std::printf("%s on %s\n", painter->info().model.c_str(), painter->info().executor.c_str());
    } catch (const anime::Error &error) {
        return std::fprintf(stderr, "%s %s [%s]\n", error.what(), error.remedy().c_str(),
                            error.code().c_str()),
               1;
    }
    std::ofstream(argv[2], std::ios::binary) << "P6 " << width << ' ' << height << " 255\n"
                                             << std::string(painting.begin(), painting.end());
    return 0;
}
