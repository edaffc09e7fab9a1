// SPDX-License-Identifier: LGPL-2.1-or-later
// What clients may choose: options of the query and of forms, checked against what there is.
#pragma once

#include "service/engine/engine.h"
#include "service/picture.h"
#include "service/problem.h"

#include <optional>
#include <string>

namespace anime::service
{

class PaintChoices
{
public:
    /// `facts` outlives it.
    PaintChoices(const EngineFacts &facts, std::string default_pipeline);

    /// A problem if there is no such option, or not with this value.
    std::optional<Problem> set(const std::string &name, const std::string &value);
    static bool has(const std::string &name);
    /// Once all are set: the format that was chosen, if the pipeline makes it; else the one that the Accept
    /// header prefers.
    std::optional<Problem> complete(const std::string &accept);

    /// Of max_dimension.
    static constexpr int least_dimension = 64;

    const PaintOptions &options() const { return options_; }

private:
    std::optional<Problem> set_style(const std::string &value);
    std::optional<Problem> set_pipeline(const std::string &value);
    std::optional<Problem> set_format(const std::string &value);
    std::optional<Problem> set_strength(const std::string &value);
    std::optional<Problem> set_faces(const std::string &value);
    std::optional<Problem> set_quality(const std::string &value);
    std::optional<Problem> set_max_dimension(const std::string &value);
    std::optional<Problem> complete_numbers() const;
    struct Option {
        const char *name;
        std::optional<Problem> (PaintChoices::*set)(const std::string &value);
    };
    static const Option *find(const std::string &name);

    const EngineFacts *facts_;
    PaintOptions options_;
};

} // namespace anime::service
