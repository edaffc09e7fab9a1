// SPDX-License-Identifier: LGPL-2.1-or-later
// The element sizeguard: lets images through that are what they claim and small enough.
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS
    GST_ELEMENT_REGISTER_DECLARE(sizeguard)
G_END_DECLS
