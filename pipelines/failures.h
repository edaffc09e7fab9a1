// SPDX-License-Identifier: LGPL-2.1-or-later
// Turns what GStreamer reports, error messages and parse errors, into failures with a code and a remedy.
#pragma once

#include "pipelines/runner.h"

namespace anime
{

/// From an ERROR or WARNING message. An element of this project put code, remedy, limit and actual into its
/// details; for others the code is the error's domain and name, "resource-not-found".
RunFailure failure_of(GstMessage *message);

/// Did the element that posted it say why? A source's "Internal data stream error" has no details, and may
/// come before the error of the element that failed.
bool has_details(GstMessage *error);

/// From gst_parse_launch_full(): element-missing if `missing` (NULL-terminated, or null) names one.
RunFailure parse_failure(const Description &description, const GError *error, gchar **missing);

} // namespace anime
