// SPDX-License-Identifier: LGPL-2.1-or-later
// A failure of the runner of films in one line.
#pragma once

#include "pipelines/runner.h"

namespace anime
{

inline RunFailure problem(std::string code, std::string message, std::string remedy = {})
{
    RunFailure failure;
    failure.code = std::move(code);
    failure.message = std::move(message);
    failure.remedy = std::move(remedy);
    return failure;
}

} // namespace anime
