// SPDX-License-Identifier: LGPL-2.1-or-later
// What the compiler has to ask the executor that will run what it makes. The compiler itself knows no library
// and no CPU.
#pragma once

#include "models/compiler/tensor.h"
#include "models/graph/graph.h"

namespace anime::compiler
{

class Costs
{
public:
    virtual ~Costs() = default;

    /// True where the convolution takes less time from bf16 values than from bytes.
    virtual bool wide_beats_bytes(const Node &conv) const = 0;

    /// What such a convolution computes from beside convolutions of bytes: bf16, or f32.
    virtual Type wide_input() const = 0;

    /// True where a convolution applies factors and an activation to what it writes at no price; where not,
    /// that is left to the pass behind it.
    virtual bool fuses_elementwise() const = 0;

    /// What convolutions of bytes can write where a value has to be more exact than a byte: bf16, or f32.
    virtual Type wide() const = 0;
};

} // namespace anime::compiler
