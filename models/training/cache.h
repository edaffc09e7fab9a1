// SPDX-License-Identifier: LGPL-2.1-or-later
// The teacher's pictures of a set of photos, computed once and kept as files.
#pragma once

#include "models/painter.h"
#include "models/training/dataset.h"

#include <memory>
#include <string>

namespace anime::training
{

/// In bf16 where the CPU has it: that stays within 54 dB of float and takes half of the time.
std::shared_ptr<Painter> open_teacher(const std::string &path);

/// Path of the teacher's picture of `photo`, or of its mirror image; exists once it was painted.
std::string cached_path(const Source &source, const std::string &photo, bool mirrored);

/// Paints what `source` needs and is not there yet, with the teacher in the file `teacher`; may be stopped
/// and started at any time. Throws where the cache was filled by another teacher.
void fill_cache(const Source &source, const std::string &teacher);

} // namespace anime::training
