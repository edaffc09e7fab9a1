// SPDX-License-Identifier: LGPL-2.1-or-later
// The arithmetic that a graph is compiled for.
#pragma once

namespace anime::compiler
{

enum class Precision {
    f32,
    bf16,
    int8,
    int8_paired, ///< int8 on CPUs that add the products of two neighbours in 16 bits: see fold.h
};

constexpr bool in_bytes(Precision precision)
{
    return precision == Precision::int8 || precision == Precision::int8_paired;
}

/// As the metadata of model files has it: "fidelity." and this.
constexpr const char *to_string(Precision precision)
{
    switch (precision) {
    case Precision::f32:
        return "f32";
    case Precision::bf16:
        return "bf16";
    case Precision::int8:
        return "int8";
    case Precision::int8_paired:
        break;
    }
    return "int8-paired";
}

/// As users ask for it and are told; both kinds of int8 are one to them.
constexpr const char *public_name(Precision precision)
{
    return in_bytes(precision) ? "int8" : to_string(precision);
}

} // namespace anime::compiler
