// SPDX-License-Identifier: LGPL-2.1-or-later
// Typed values for element properties: checked against the property's own type and range.
#pragma once

#include "pipelines/runner.h"

namespace anime
{

/// Sets `property` of `element`, which messages call `name`. Throws PipelineError: option-unknown,
/// option-invalid.
void set_property(GstElement *element, const std::string &name, const std::string &property,
                  const PropertyValue &value);

} // namespace anime
