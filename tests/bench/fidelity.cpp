// SPDX-License-Identifier: LGPL-2.1-or-later
// anime-bench-fidelity MODEL PHOTO…: how far each precision is from libtorch in f32 (where libtorch is
// missing, from the reference interpreter, which takes seconds a photo), on photos of at most 512 pixels a
// side. One line a photo and precision: precision, photo, size, largest difference, PSNR in dB before the
// rounding to bytes and of the bytes.
#include "models/error.h"
#include "models/executors/onednn/precision.h"
#include "models/model.h"
#include "tests/models/float_pictures.h"
#include "tests/models/tiny_models.h"

#include <vips/vips8>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>

namespace
{

using namespace anime;

Planes as_bytes(Planes picture)
{
    for (float &v : picture.data)
        v = std::nearbyint(std::clamp((v + 1.0F) * 127.5F, 0.0F, 255.0F)) / 127.5F - 1.0F;
    return picture;
}

Planes paint_exactly(const Graph &graph, const ConstImage &picture)
{
    try {
        return test::paint_torch(graph, picture);
    } catch (const Error &error) {
        if (error.code() != "executor-missing")
            throw;
        return test::paint_reference(graph, picture);
    }
}

void compare(const Model &model, const std::vector<onednn::Precision> &precisions, const char *path)
{
    const auto photo = vips::VImage::thumbnail(path, 512, vips::VImage::option()->set("size", VIPS_SIZE_DOWN))
                           .colourspace(VIPS_INTERPRETATION_sRGB)
                           .extract_band(0, vips::VImage::option()->set("n", 3))
                           .cast(VIPS_FORMAT_UCHAR);
    std::size_t size = 0;
    auto *data = static_cast<std::uint8_t *>(photo.write_to_memory(&size));
    const ConstImage picture{data, photo.width(), photo.height(), photo.width() * 3L, 3};
    const Planes exact = paint_exactly(model.graph, picture);
    for (onednn::Precision precision : precisions) {
        const Planes painted = test::paint_onednn(model.graph, precision, picture);
        std::printf("%s\t%s\t%dx%d\t%.2e\t%.2f\t%.2f\n", onednn::public_name(precision),
                    std::filesystem::path(path).filename().c_str(), photo.width(), photo.height(),
                    test::max_difference(exact, painted), test::psnr(exact, painted),
                    std::min(100.0, test::psnr(as_bytes(exact), as_bytes(painted))));
        std::fflush(stdout);
    }
    g_free(data);
}

} // namespace

int main(int count, char **arguments)
{
    if (count < 3) {
        std::fprintf(stderr, "usage: anime-bench-fidelity MODEL PHOTO...\n");
        return 2;
    }
    if (VIPS_INIT(arguments[0]) != 0)
        return 1;
    try {
        const auto model = load_model(arguments[1]);
        std::vector<onednn::Precision> precisions;
        for (const char *name : {"f32", "bf16", "int8"})
            try {
                precisions.push_back(onednn::choose_precision(*model, name));
            } catch (const Error &error) {
                std::fprintf(stderr, "%s: %s\n", name, error.what());
            }
        for (int i = 2; i < count; ++i)
            compare(*model, precisions, arguments[i]);
    } catch (const std::exception &error) {
        std::fprintf(stderr, "%s\n", error.what());
        return 1;
    }
    return 0;
}
