// SPDX-License-Identifier: LGPL-2.1-or-later
// The arithmetic that a graph is compiled for.
#pragma once

namespace anime::compiler
{

enum class Precision { f32, bf16, int8 };

constexpr const char *to_string(Precision precision)
{
    return precision == Precision::f32 ? "f32" : precision == Precision::bf16 ? "bf16" : "int8";
}

} // namespace anime::compiler
