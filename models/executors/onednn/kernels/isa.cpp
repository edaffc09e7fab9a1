// SPDX-License-Identifier: LGPL-2.1-or-later
// The instruction sets of the CPU, and the set of kernels that fits them.
#include "models/executors/onednn/kernels/isa.h"

#include "models/executors/onednn/kernels/kernels.h"

#include <oneapi/dnnl/dnnl.hpp>

#include <utility>

namespace anime::onednn
{

extern const Kernels kernels_portable;
#ifdef __x86_64__
extern const Kernels kernels_avx2;
extern const Kernels kernels_avx512;
#endif

namespace
{

#ifdef __x86_64__

/// From the most able to the least: what is found is named after the first whose every part it has, so that
/// the sets that newer versions of oneDNN know count as the best that is known here.
const std::pair<dnnl::cpu_isa, Isa> known[] = {
    {dnnl::cpu_isa::avx512_core_amx, {"avx512_core_amx", true, true, true, true, true}},
    {dnnl::cpu_isa::avx512_core_bf16, {"avx512_core_bf16", true, true, true, true}},
    {dnnl::cpu_isa::avx512_core_vnni, {"avx512_core_vnni", true, true, true}},
    {dnnl::cpu_isa::avx512_core, {"avx512_core", true, true}},
    {dnnl::cpu_isa::avx2_vnni, {"avx2_vnni", true, false, true}},
    {dnnl::cpu_isa::avx2, {"avx2", true}},
    {dnnl::cpu_isa::avx, {"avx"}},
    {dnnl::cpu_isa::sse41, {"sse41"}},
};

Isa detect()
{
    const auto found = static_cast<unsigned>(dnnl::get_effective_cpu_isa());
    for (const auto &[set, isa] : known)
        if ((found & static_cast<unsigned>(set)) == static_cast<unsigned>(set))
            return isa;
    return {"generic"};
}

#else

/// Other architectures reuse oneDNN's numbers for sets of their own: a CPU with SVE would count as AVX2.
Isa detect()
{
    return {"generic"};
}

#endif

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
