// SPDX-License-Identifier: LGPL-2.1-or-later
// Reading and writing of the pictures that training uses, through libvips.
#include "models/training/image_files.h"

#include <vips/vips.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <stdexcept>

namespace anime::training
{
namespace
{

struct Unref {
    void operator()(VipsImage *image) const { g_object_unref(image); }
};
using Image = std::unique_ptr<VipsImage, Unref>;

[[noreturn]] void fail(const std::string &path)
{
    const std::string reason = vips_error_buffer();
    vips_error_clear();
    throw std::runtime_error(path + ": " + reason);
}

/// `next` made from `image`, which is let go.
Image step([[maybe_unused]] Image image, int status, VipsImage *next, const std::string &path)
{
    if (status != 0) {
        fail(path);
    }
    return Image(next);
}

} // namespace

at::Tensor read_photo(const std::string &path, const PhotoSize &size)
{
    VipsImage *next = nullptr;
    // A side of VIPS_MAX_COORD with VIPS_SIZE_DOWN decodes at full size and still applies the EXIF
    // orientation.
    const int side = size.max_side > 0 ? size.max_side : VIPS_MAX_COORD;
    int status = vips_thumbnail(path.c_str(), &next, side, "height", side, "size", VIPS_SIZE_DOWN, "fail_on",
                                VIPS_FAIL_ON_ERROR, nullptr);
    Image image = step(nullptr, status, next, path);
    if (size.enlarge > 1) {
        status = vips_resize(image.get(), &next, size.enlarge, nullptr);
        image = step(std::move(image), status, next, path);
    }
    status = vips_colourspace(image.get(), &next, VIPS_INTERPRETATION_sRGB, nullptr);
    image = step(std::move(image), status, next, path);
    if (vips_image_hasalpha(image.get())) {
        status = vips_flatten(image.get(), &next, nullptr);
        image = step(std::move(image), status, next, path);
    }
    status = vips_cast_uchar(image.get(), &next, nullptr);
    image = step(std::move(image), status, next, path);
    const int width = vips_image_get_width(image.get()) / 4 * 4;
    const int height = vips_image_get_height(image.get()) / 4 * 4;
    if (vips_image_get_bands(image.get()) != 3 || width < 16 || height < 16) {
        throw std::runtime_error(path + ": not an RGB picture of at least 16×16");
    }
    status = vips_crop(image.get(), &next, 0, 0, width, height, nullptr);
    image = step(std::move(image), status, next, path);

    std::size_t bytes = 0;
    std::unique_ptr<void, decltype(&g_free)> memory(vips_image_write_to_memory(image.get(), &bytes), g_free);
    if (!memory) {
        fail(path);
    }
    return at::from_blob(memory.get(), {height, width, 3}, at::kByte).permute({2, 0, 1}).contiguous().clone();
}

void write_picture(const at::Tensor &picture, const std::string &path)
{
    const at::Tensor rows = picture.permute({1, 2, 0}).contiguous();
    Image image(vips_image_new_from_memory(rows.data_ptr(), static_cast<std::size_t>(rows.numel()),
                                           static_cast<int>(rows.size(1)), static_cast<int>(rows.size(0)), 3,
                                           VIPS_FORMAT_UCHAR));
    if (!image) {
        fail(path);
    }
    VipsImage *next = nullptr;
    int status = vips_copy(image.get(), &next, "interpretation", VIPS_INTERPRETATION_sRGB, nullptr);
    image = step(std::move(image), status, next, path);
    const std::filesystem::path target(path);
    const std::string partial = (target.parent_path() / (".partial-" + target.filename().string())).string();
    if (vips_image_write_to_file(image.get(), partial.c_str(), nullptr) != 0) {
        fail(path);
    }
    std::filesystem::rename(partial, target);
}

std::vector<std::string> list_photos(const std::string &path)
{
    if (!std::filesystem::is_directory(path)) {
        return {path};
    }
    std::vector<std::string> photos;
    for (const auto &entry : std::filesystem::directory_iterator(path)) {
        std::string suffix = entry.path().extension().string();
        std::transform(suffix.begin(), suffix.end(), suffix.begin(),
                       [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
        if (entry.is_regular_file() && (suffix == ".jpg" || suffix == ".jpeg" || suffix == ".png")) {
            photos.push_back(entry.path().string());
        }
    }
    std::sort(photos.begin(), photos.end());
    return photos;
}

at::Tensor to_bytes(const at::Tensor &picture)
{
    return picture.to(at::kFloat).add(1).mul(127.5).round().clamp(0, 255).to(at::kByte);
}

at::Tensor to_signed(const at::Tensor &bytes)
{
    return bytes.to(at::kFloat).div(127.5).sub(1);
}

} // namespace anime::training
