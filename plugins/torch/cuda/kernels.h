// SPDX-License-Identifier: LGPL-2.1-or-later
// Starts the kernels of the steps on a stream. The convolutions are cuDNN's.
#pragma once

#include "plugins/torch/cuda/steps.h"

struct CUstream_st;

namespace anime::cuda
{

enum class Precision { f32, f16 };

/// Any step but Conv. Returns CUDA's error code, 0 where it was started.
int launch(const Step &step, Precision precision, CUstream_st *stream);

} // namespace anime::cuda
