// SPDX-License-Identifier: LGPL-2.1-or-later
// What libvips reads: pieces of memory, one after another, as if they were a file.
#pragma once

#include "elements/common/cancellation.h"
#include "elements/sizeguard/scanner.h"

#include <vector>

struct _VipsSource;
struct _VipsSourceCustom;

namespace anime
{

/// Reading fails once the decoding is cancelled, which also stops loaders that read everything before the
/// first line.
class PartsSource
{
public:
    /// All must outlive the source, which must outlive the images that read from it.
    PartsSource(std::vector<Bytes> parts, const Cancellation &cancellation);
    ~PartsSource();
    PartsSource(const PartsSource &) = delete;
    PartsSource &operator=(const PartsSource &) = delete;

    _VipsSource *get();

private:
    static std::int64_t on_read(_VipsSourceCustom *, void *buffer, std::int64_t length, PartsSource *self);
    static std::int64_t on_seek(_VipsSourceCustom *, std::int64_t offset, int whence, PartsSource *self);
    std::int64_t read(std::uint8_t *buffer, std::int64_t length);

    const std::vector<Bytes> parts_;
    const Cancellation &cancellation_;
    _VipsSourceCustom *source_;
    std::int64_t size_ = 0;
    std::int64_t position_ = 0;
};

} // namespace anime
