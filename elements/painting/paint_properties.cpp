// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/painting/paint_properties.h"

#include <vector>

namespace anime
{

namespace
{

constexpr int AUTO = 0;

} // namespace

GType executor_type()
{
    static const std::vector<ExecutorInfo> executors = list_executors();
    static const GType type = [] {
        std::vector<GEnumValue> values = {{AUTO, "The one that runs the model best", "auto"}};
        for (const ExecutorInfo &executor : executors)
            values.push_back(
                {static_cast<int>(values.size()), executor.about.c_str(), executor.name.c_str()});
        return register_enum_values("GstAnimeExecutor", values);
    }();
    return type;
}

GType precision_type()
{
    static const GType type = register_enum<int>(
        "GstAnimePrecision", {
                                 {AUTO, "The fastest that stays faithful to the model", "auto"},
                                 {1, "32-bit floating point", "f32"},
                                 {2, "Brain floating point, 16 bits", "bf16"},
                                 {3, "8-bit integers, for calibrated models", "int8"},
                                 {4, "IEEE half precision, on a GPU", "f16"},
                             });
    return type;
}

} // namespace anime
