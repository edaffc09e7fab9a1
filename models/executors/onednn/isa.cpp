// SPDX-License-Identifier: LGPL-2.1-or-later
// The instruction sets of the CPU, and the set of kernels that fits them.
#include "models/executors/onednn/isa.h"

#include "models/executors/onednn/kernels.h"

#include <oneapi/dnnl/dnnl.hpp>

namespace anime::onednn
{

extern const Kernels kernels_portable;
#ifdef __x86_64__
extern const Kernels kernels_avx2;
extern const Kernels kernels_avx512;
#endif

namespace
{

Isa detect()
{
    using dnnl::cpu_isa;
    const cpu_isa effective = dnnl::get_effective_cpu_isa();
    switch (effective) {
    case cpu_isa::sse41:
        return {"sse41"};
    case cpu_isa::avx:
        return {"avx"};
    case cpu_isa::avx2:
        return {"avx2", true};
    case cpu_isa::avx2_vnni:
        return {"avx2_vnni", true, false, true};
    case cpu_isa::avx512_core:
        return {"avx512_core", true, true};
    case cpu_isa::avx512_core_vnni:
        return {"avx512_core_vnni", true, true, true};
    case cpu_isa::avx512_core_bf16:
        return {"avx512_core_bf16", true, true, true, true};
    case cpu_isa::avx512_core_amx:
        return {"avx512_core_amx", true, true, true, true, true};
    default:
        return {"generic"};
    }
}

} // namespace

const Isa &isa()
{
    static const Isa found = detect();
    return found;
}

std::size_t runnable_kernels(const Kernels *out[3])
{
    std::size_t n = 0;
    out[n++] = &kernels_portable;
#ifdef __x86_64__
    if (isa().avx2 && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
        __builtin_cpu_supports("bmi2"))
        out[n++] = &kernels_avx2;
    if (isa().avx512 && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512cd"))
        out[n++] = &kernels_avx512;
#endif
    return n;
}

const Kernels &kernels()
{
    static const Kernels *const best = [] {
        const Kernels *sets[3];
        return sets[runnable_kernels(sets) - 1];
    }();
    return *best;
}

} // namespace anime::onednn
