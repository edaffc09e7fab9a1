// SPDX-License-Identifier: LGPL-2.1-or-later
#include "service/results/cache_key.h"

#include "service/text.h"

#include <nlohmann/json.hpp>

namespace anime::service
{

std::string cache_key(const std::string &input_sha256, const std::string &painter_digest,
                      const PaintOptions &options)
{
    // JSON keeps the parts apart, whatever is in them.
    const std::string text =
        nlohmann::json{input_sha256,          painter_digest,   options.pipeline, options.style,
                       options.format,        options.strength, options.faces,    options.quality,
                       options.max_dimension, ANIME_VERSION}
            .dump();
    return sha256(text);
}

} // namespace anime::service
