// SPDX-License-Identifier: LGPL-2.1-or-later
// The teacher's pictures of a set of photos, computed once and kept as files.
#include "models/training/cache.h"

#include "models/training/image_files.h"
#include "models/training/teacher.h"

#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <stdexcept>
#include <vector>

namespace anime::training
{

std::string cached_path(const std::string &folder, const std::string &photo, int max_side, bool flipped)
{
    std::string name = std::filesystem::path(photo).stem().string();
    if (max_side > 0) {
        name += '.';
        name += std::to_string(max_side);
    }
    return folder + "/" + name + (flipped ? ".flipped.ppm" : ".ppm");
}

void fill_cache(const CacheOptions &options)
{
    const c10::InferenceMode no_gradients;
    // bf16 stays within 54 dB of float and takes a third of the time.
    const Teacher teacher(options.teacher, at::kBFloat16);
    std::filesystem::create_directories(options.folder);
    std::vector<std::string> photos = list_photos(options.photos);
    // A stride through the names, so that a cache that is not full yet is already a fair sample.
    std::vector<std::string> order;
    constexpr std::size_t stride = 30;
    for (std::size_t first = 0; first < stride; ++first) {
        for (std::size_t i = first; i < photos.size(); i += stride) {
            order.push_back(photos[i]);
        }
    }
    for (const bool flipped : {false, true}) {
        if (flipped && !options.flipped) {
            continue;
        }
        std::size_t done = 0;
        for (const std::string &photo : order) {
            ++done;
            const std::string path = cached_path(options.folder, photo, options.max_side, flipped);
            if (std::filesystem::exists(path)) {
                continue;
            }
            at::Tensor bytes;
            try {
                bytes = read_photo(photo, options.max_side);
            } catch (const std::runtime_error &error) {
                std::fprintf(stderr, "left out: %s\n", error.what());
                continue;
            }
            if (flipped) {
                bytes = bytes.flip(2);
            }
            write_picture(to_bytes(teacher.paint(to_signed(bytes).unsqueeze(0))[0]), path);
            if (done % 50 == 0 || done == order.size()) {
                std::printf("painted %zu of %zu%s\n", done, order.size(), flipped ? " mirrored" : "");
                std::fflush(stdout);
            }
        }
    }
}

} // namespace anime::training
