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
    static const std::vector<GEnumValue> values = [] {
        std::vector<GEnumValue> rows = {{AUTO, "The one that runs the model best", "auto"}};
        for (const ExecutorInfo &executor : executors)
            rows.push_back({static_cast<int>(rows.size()), executor.about.c_str(), executor.name.c_str()});
        rows.push_back({0, nullptr, nullptr});
        return rows;
    }();
    static const GType type = register_enum("GstAnimeExecutor", values.data());
    return type;
}

GType precision_type()
{
    static const GEnumValue values[] = {
        {AUTO, "The fastest that stays faithful to the model", "auto"},
        {1, "32-bit floating point", "f32"},
        {2, "Brain floating point, 16 bits", "bf16"},
        {3, "8-bit integers, for calibrated models", "int8"},
        {4, "IEEE half precision, on a GPU", "f16"},
        {0, nullptr, nullptr},
    };
    static const GType type = register_enum("GstAnimePrecision", values);
    return type;
}

} // namespace anime
