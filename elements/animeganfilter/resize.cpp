// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/animeganfilter/resize.h"

#include "elements/animeganfilter/pixels.h"
#include "models/error.h"

#include <vips/vips.h>

#include <algorithm>
#include <memory>
#include <vector>

namespace anime
{

namespace
{

struct Unref {
    void operator()(void *object) const { g_object_unref(object); }
};
using VipsImagePtr = std::unique_ptr<VipsImage, Unref>;
using VipsRegionPtr = std::unique_ptr<VipsRegion, Unref>;

[[noreturn]] void fail()
{
    const std::string reason = vips_error_buffer();
    vips_error_clear();
    throw Error("internal", "The picture could not be scaled: " + reason);
}

void start_vips()
{
    static const bool started = [] {
        const bool ok = VIPS_INIT("gst-anime") == 0;
        // The cache of operations would keep every picture's intermediate results; none comes twice.
        vips_cache_set_max(0);
        return ok;
    }();
    if (!started)
        fail();
}

} // namespace

void resize(const ConstImage &in, const Image &out)
{
    start_vips();

    // libvips takes rows without padding between them, and wants them as long as the image lives.
    ConstImage packed = in;
    std::vector<std::uint8_t> copy;
    if (in.stride != std::ptrdiff_t{in.width} * in.pixel) {
        copy.resize(std::size_t{3} * in.width * in.height);
        copy_rgb(in, {copy.data(), in.width, in.height, std::ptrdiff_t{3} * in.width, 3});
        packed = {copy.data(), in.width, in.height, std::ptrdiff_t{3} * in.width, 3};
    }
    const VipsImagePtr source(
        vips_image_new_from_memory(packed.data, static_cast<std::size_t>(packed.stride) * packed.height,
                                   packed.width, packed.height, packed.pixel, VIPS_FORMAT_UCHAR));
    if (!source)
        fail();

    VipsImage *result = nullptr;
    if (vips_resize(source.get(), &result, double(out.width) / in.width, "vscale",
                    double(out.height) / in.height, nullptr) != 0)
        fail();
    const VipsImagePtr scaled(result);
    if (scaled->Xsize != out.width || scaled->Ysize != out.height)
        throw Error("internal", "The picture was scaled to a wrong size.");

    // Computed in this thread, a few rows at a time: no second picture in memory, no threads beside the
    // executor's.
    constexpr int strip = 64;
    const VipsRegionPtr region(vips_region_new(scaled.get()));
    for (int y = 0; y < out.height; y += strip) {
        const int rows = std::min(strip, out.height - y);
        const VipsRect rect = {0, y, out.width, rows};
        if (vips_region_prepare(region.get(), &rect) != 0)
            fail();
        copy_rgb({VIPS_REGION_ADDR(region.get(), 0, y), out.width, rows,
                  static_cast<std::ptrdiff_t>(VIPS_REGION_LSKIP(region.get())), packed.pixel},
                 {out.row(y), out.width, rows, out.stride, out.pixel});
    }
}

} // namespace anime
