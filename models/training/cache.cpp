// SPDX-License-Identifier: LGPL-2.1-or-later
// The teacher's pictures of a set of photos, computed once and kept as files.
#include "models/training/cache.h"

#include "models/painter.h"

#include <glib.h>

#include <atomic>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <stdexcept>

namespace anime::training
{
namespace
{

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

/// The cache holds pictures of one teacher: the first one's digest stays in it.
void claim(const Source &source, const Painter &teacher)
{
    std::filesystem::create_directories(source.cache);
    const std::string path = source.cache + "/teacher";
    const std::string &digest = teacher.info().digest;
    if (std::filesystem::exists(path)) {
        std::string theirs;
        std::ifstream(path) >> theirs;
        if (theirs != digest) {
            throw std::runtime_error(source.cache + ": has the pictures of another teacher (" + theirs +
                                     "); empty it, or give another --folder");
        }
        return;
    }
    std::ofstream file(path);
    file << digest << '\n';
    if (!file.flush()) {
        throw std::runtime_error(path + ": cannot be written");
    }
}

} // namespace

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

std::string cached_path(const Source &source, const std::string &photo, bool mirrored)
{
    // With the whole path, because folders that share a cache may have photos of the same name.
    const std::unique_ptr<char, decltype(&g_free)> digest(
        g_compute_checksum_for_string(G_CHECKSUM_SHA256, photo.c_str(), -1), g_free);
    std::string name =
        std::filesystem::path(photo).stem().string() + '.' + std::string(digest.get()).substr(0, 8);
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
    claim(source, *painter);
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
