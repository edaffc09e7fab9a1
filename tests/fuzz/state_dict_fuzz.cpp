// SPDX-License-Identifier: LGPL-2.1-or-later
// Any bytes as a state dict: once as PyTorch's archive, once as the pickle in it, which few mutations would
// reach.
#include "models/error.h"
#include "models/weights/pickle.h"
#include "models/weights/state_dict.h"

#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size)
{
    const std::span bytes{reinterpret_cast<const std::byte *>(data), size};
    try {
        anime::read_state_dict(bytes, "fuzz");
    } catch (const anime::Error &) {
        // A refusal is what most inputs should get; anything else than Error ends the program.
    }
    try {
        anime::read_pickled_tensors(bytes, "fuzz");
    } catch (const anime::Error &) {
        // As above.
    }
    return 0;
}
