// SPDX-License-Identifier: LGPL-2.1-or-later
// What the CPU can do, as oneDNN reports it; its cap DNNL_MAX_CPU_ISA counts.
#pragma once

#include "models/api.h"

#include <string>

namespace anime::onednn
{

struct Isa {
    std::string name; ///< as oneDNN names it: avx2, avx512_core, avx512_core_vnni, avx512_core_bf16, …
    bool avx2 = false;
    bool avx512 = false;
    bool vnni = false; ///< 8-bit dot products without saturating intermediates
    bool bf16 = false; ///< bf16 convolutions in hardware
    bool amx = false;  ///< the same in tiles of a matrix
};

ANIME_API const Isa &isa();

} // namespace anime::onednn
