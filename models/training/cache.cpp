// SPDX-License-Identifier: LGPL-2.1-or-later
// The teacher's pictures of a set of photos, computed once and kept as files.
#include "models/training/cache.h"

#include "models/painter.h"

#include <atomic>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <stdexcept>

namespace anime::training
{
namespace
{

/// bf16 stays within 54 dB of float and takes half of the time.
std::shared_ptr<Painter> open_teacher(const std::string &path)
{
    try {
        return open_painter({.model = path, .executor = "onednn", .precision = "bf16"});
    } catch (const Error &error) {
        if (error.code() != "precision-unsupported") {
            throw;
        }
        return open_painter({.model = path, .executor = "onednn", .precision = "f32"});
    }
}

/// (3, H, W) to the same, uint8.
at::Tensor paint(Painter &teacher, const at::Tensor &photo)
{
    const at::Tensor in = photo.permute({1, 2, 0}).contiguous();
    const at::Tensor out = at::empty_like(in);
    const auto height = static_cast<int>(in.size(0));
    const auto width = static_cast<int>(in.size(1));
    const std::atomic<bool> cancel = false;
    teacher.paint({in.data_ptr<std::uint8_t>(), width, height, 3 * width},
                  {out.data_ptr<std::uint8_t>(), width, height, 3 * width}, cancel);
    return out.permute({2, 0, 1});
}

void fill(Painter &teacher, const Source &source, const std::string &photo, bool mirrored)
{
    const std::string path = cached_path(source, photo, mirrored);
    if (std::filesystem::exists(path)) {
        return;
    }
    at::Tensor bytes;
    try {
        bytes = read_photo(photo, source.size);
    } catch (const std::runtime_error &error) {
        std::fprintf(stderr, "left out: %s\n", error.what());
        return;
    }
    write_picture(paint(teacher, mirrored ? bytes.flip(2) : bytes), path);
}

} // namespace

std::string cached_path(const Source &source, const std::string &photo, bool mirrored)
{
    std::string name = std::filesystem::path(photo).stem().string();
    if (source.size.max_side > 0) {
        name += '.' + std::to_string(source.size.max_side);
    }
    if (source.size.enlarge > 1) {
        name += ".x" + std::to_string(static_cast<int>(source.size.enlarge * 100));
    }
    return source.cache + "/" + name + (mirrored ? ".flipped.ppm" : ".ppm");
}

void fill_cache(const Source &source, const std::string &teacher)
{
    const std::shared_ptr<Painter> painter = open_teacher(teacher);
    std::filesystem::create_directories(source.cache);
    for (const bool mirrored : {false, true}) {
        for (const Split split : {Split::held_out, Split::training}) {
            if (mirrored && (!source.mirror || split == Split::held_out)) {
                continue;
            }
            const std::vector<std::string> photos = photos_of(source, split);
            for (std::size_t i = 0; i < photos.size(); ++i) {
                fill(*painter, source, photos[i], mirrored);
                if ((i + 1) % 50 == 0 || i + 1 == photos.size()) {
                    std::printf("painted %zu of %zu%s\n", i + 1, photos.size(), mirrored ? " mirrored" : "");
                    std::fflush(stdout);
                }
            }
        }
    }
}

} // namespace anime::training
