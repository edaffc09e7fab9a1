// SPDX-License-Identifier: LGPL-2.1-or-later
// A picture that tests of training make.
#pragma once

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>

#include <cstdint>

namespace anime::training
{

/// Noise of all levels, another for each seed.
inline at::Tensor picture(int rows, int columns, int seed)
{
    const at::Generator generator = at::detail::createCPUGenerator(static_cast<std::uint64_t>(seed));
    return at::randint(256, {3, rows, columns}, generator).to(at::kByte);
}

} // namespace anime::training
