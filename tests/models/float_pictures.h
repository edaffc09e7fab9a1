// SPDX-License-Identifier: LGPL-2.1-or-later
// What an executor paints before it is rounded to bytes: 8 bits hide a difference of 4e-3 in [-1, 1].
#pragma once

#include "models/executors/onednn/lowering.h"
#include "models/graph/reference.h"
#include "models/image.h"

namespace anime::test
{

/// The picture as a graph takes it: in [-1, 1], padded by mirroring to a size that suits the graph.
Planes padded_planes(const Graph &graph, const ConstImage &picture);

/// By the oneDNN executor, cropped to the picture's size.
Planes paint_onednn(const Graph &graph, onednn::Precision precision, const ConstImage &picture);

/// By libtorch, from the module anime-torch. Throws Error executor-missing.
Planes paint_torch(const Graph &graph, const ConstImage &picture, unsigned threads = 2);

/// By the reference interpreter: seconds for what the others do in milliseconds, but it needs nothing.
Planes paint_reference(const Graph &graph, const ConstImage &picture);

/// In dB; values have a range of 2.
double psnr(const Planes &a, const Planes &b);

} // namespace anime::test
