// SPDX-License-Identifier: LGPL-2.1-or-later
// The one error type of models/: a stable code for machines, a sentence and a remedy for people.
#pragma once

#include "models/api.h"

#include <stdexcept>
#include <string>
#include <utility>

namespace anime
{

/// Thrown inside models/ and caught at the edge of the element that called. `code()` is one of
/// model-missing, model-invalid, model-unsupported, executor-missing, device-missing, device-lost,
/// precision-unsupported, out-of-memory, cancelled; docs/elements.md lists them for users.
class ANIME_API Error : public std::runtime_error
{
public:
    Error(std::string code, const std::string &message, std::string remedy = {})
        : std::runtime_error(message), code_(std::move(code)), remedy_(std::move(remedy))
    {
    }

    const std::string &code() const noexcept { return code_; }
    /// What the user can do about it, one sentence; may be empty.
    const std::string &remedy() const noexcept { return remedy_; }

private:
    std::string code_;
    std::string remedy_;
};

} // namespace anime
