// SPDX-License-Identifier: LGPL-2.1-or-later
// Any bytes as a .safetensors file, and what is read from them as a model.
#include "models/error.h"
#include "models/model.h"
#include "models/weights/safetensors.h"

#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size)
{
    try {
        anime::make_model(anime::parse_safetensors({reinterpret_cast<const std::byte *>(data), size}, "fuzz"),
                          "fuzz");
    } catch (const anime::Error &) {
        // A refusal is what most inputs should get; anything else than Error ends the program.
    }
    return 0;
}
