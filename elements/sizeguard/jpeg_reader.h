// SPDX-License-Identifier: LGPL-2.1-or-later
// Lines of a JPEG, from libjpeg-turbo for libvips.
//
// libvips has a reader of its own. This one exists because that one (8.14) looks at libjpeg's warnings only
// before each strip, so that damage in the last one passes; can't tell a harmless warning (padding before a
// marker, which many cameras write) from damaged data; and can't be stopped between the scans of a
// progressive file.
#pragma once

#include "elements/common/cancellation.h"
#include "elements/common/failure.h"
#include "elements/sizeguard/scanner.h"

#include <memory>
#include <optional>

struct _VipsImage;

namespace anime
{

class JpegReader
{
public:
    /// `bytes` reach to the end of the last scan; `ending` is what followed it. They and `cancellation` must
    /// outlive the reader, and the reader the image that it makes.
    JpegReader(Bytes bytes, Ending ending, const Cancellation &cancellation);
    ~JpegReader();
    JpegReader(const JpegReader &) = delete;
    JpegReader &operator=(const JpegReader &) = delete;

    /// Reads the header and prepares an image reduced by `shrink` (1, 2, 4 or 8) while it is decoded:
    /// sequential, grey, sRGB or CMYK. Null: see failure(). The caller owns the image.
    _VipsImage *open(unsigned shrink);

    /// Decodes the lines at the bottom that nothing asked for, since a reduction needs only parts of pixels
    /// there: whether each line could be decoded decides. False: see failure().
    bool finish();

    /// What went wrong; empty if nothing did, or if it was cancelled.
    const std::optional<Failure> &failure() const;

private:
    struct State;
    std::unique_ptr<State> state_;
};

} // namespace anime
