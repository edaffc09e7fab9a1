// SPDX-License-Identifier: LGPL-2.1-or-later
// In which forms the chains of a graph have to leave their values: type, border and quantisation follow from
// what reads them.
#pragma once

#include "models/compiler/chains.h"
#include "models/compiler/costs.h"
#include "models/compiler/precision.h"
#include "models/compiler/tensor.h"

#include <map>

namespace anime::compiler
{

struct Form {
    Type type = Type::f32;
    Border border;
    std::shared_ptr<const Quant> quant;

    bool operator==(const Form &other) const
    {
        return type == other.type && border == other.border &&
               (quant == other.quant || (quant && other.quant && *quant == *other.quant));
    }
};

struct ChainForms {
    Type compute = Type::f32; ///< conv: the type of its input
    std::vector<Form> forms;  ///< without doubles; the first one also serves readers that take any form
    bool global = false;      ///< descends from a thumbnail: small, float32, complete before others begin
    bool vector = false;      ///< its value is a Vector
    bool last = false;        ///< its value is the picture
    bool direct = false;      ///< the convolution itself writes the only form
};

/// Bytes of a picture as values in [-1, 1]: x = (q − 127.5) / 127.5.
Quant picture_quant(int channels);

/// One for each chain.
std::vector<ChainForms> choose_forms(const Graph &graph, const std::vector<Chain> &chains,
                                     Precision precision, const Costs &costs);

} // namespace anime::compiler
