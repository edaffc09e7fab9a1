// SPDX-License-Identifier: LGPL-2.1-or-later
// Reads what the elements post (docs/elements.md) into log lines, timings and progress.
#pragma once

#include "service/ops/log.h"
#include "service/picture.h"

#include <gst/gst.h>

#include <cstdint>
#include <string>
#include <vector>

namespace anime::service
{

/// One log line for an element's message, two for sizeguard's: its verdict, and what it did.
void log_message(Log &log, const std::string &request_id, const GstStructure *message);

struct Step {
    const char *stage = nullptr; ///< that begins now; null if the message means nothing here
    double fraction = 0;
};
/// Adds what the message tells to `info`.
Step read_message(const GstStructure *message, PictureInfo &info);

std::string text_field(const GstStructure *message, const char *name);
/// 0 if the element has no such property or it is negative.
std::uint64_t number_property(GstElement *element, const char *name);
/// A property of flags that are named as image types are: jpeg becomes image/jpeg.
std::vector<std::string> media_types_property(GstElement *element, const char *name);

} // namespace anime::service
