// SPDX-License-Identifier: LGPL-2.1-or-later
// Which of the variants of an inner loop this CPU can run.
#pragma once

#include <initializer_list>
#include <vector>

namespace anime
{

/// What a variant needs.
enum class Needs { nothing, ssse3, avx2 };

inline bool cpu_has(Needs needs)
{
    switch (needs) {
#if defined(__x86_64__)
    case Needs::ssse3:
        return __builtin_cpu_supports("ssse3");
    case Needs::avx2:
        return __builtin_cpu_supports("avx2");
#endif
    default:
        return needs == Needs::nothing;
    }
}

template <typename Kernel>
struct KernelVariant {
    Needs needs;
    Kernel kernel;
};

/// Those of the variants that run here, in their order: the quickest first, and last one that needs nothing.
template <typename Kernel>
std::vector<Kernel> kernels_for_this_cpu(std::initializer_list<KernelVariant<Kernel>> variants)
{
    std::vector<Kernel> out;
    for (const KernelVariant<Kernel> &variant : variants)
        if (cpu_has(variant.needs))
            out.push_back(variant.kernel);
    return out;
}

} // namespace anime
