// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/sizeguard/parts_source.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <utility>

#include <vips/vips.h>

namespace anime
{

PartsSource::PartsSource(std::vector<Bytes> parts, const Cancellation &cancellation)
    : parts_(std::move(parts)), cancellation_(cancellation), source_(vips_source_custom_new())
{
    for (const Bytes part : parts_)
        size_ += static_cast<std::int64_t>(part.size());
    g_signal_connect(source_, "read", G_CALLBACK(on_read), this);
    g_signal_connect(source_, "seek", G_CALLBACK(on_seek), this);
}

PartsSource::~PartsSource()
{
    g_object_unref(source_);
}

VipsSource *PartsSource::get()
{
    return VIPS_SOURCE(source_);
}

std::int64_t PartsSource::on_read(VipsSourceCustom *, void *buffer, std::int64_t length, PartsSource *self)
{
    return self->cancellation_.cancelled() ? -1 : self->read(static_cast<std::uint8_t *>(buffer), length);
}

std::int64_t PartsSource::read(std::uint8_t *buffer, std::int64_t length)
{
    std::int64_t part_start = 0;
    std::int64_t copied = 0;
    for (const Bytes part : parts_) {
        const auto part_size = static_cast<std::int64_t>(part.size());
        const std::int64_t inside = position_ - part_start;
        if (inside < part_size && copied < length) {
            const std::int64_t n = std::min(length - copied, part_size - inside);
            std::memcpy(buffer + copied, part.data() + inside, static_cast<std::size_t>(n));
            copied += n;
            position_ += n;
        }
        part_start += part_size;
    }
    return copied;
}

std::int64_t PartsSource::on_seek(VipsSourceCustom *, std::int64_t offset, int whence, PartsSource *self)
{
    const std::int64_t base = whence == SEEK_SET ? 0 : whence == SEEK_CUR ? self->position_ : self->size_;
    const std::int64_t target = base + offset;
    if (target < 0 || target > self->size_)
        return -1;
    return self->position_ = target;
}

} // namespace anime
