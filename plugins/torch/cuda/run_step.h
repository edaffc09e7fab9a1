// SPDX-License-Identifier: LGPL-2.1-or-later
// Starts one step on a stream: our kernel, or cuDNN's convolution.
#pragma once

#include "plugins/torch/cuda/kernels.h"

#include <c10/cuda/CUDAStream.h>

namespace anime::cuda
{

/// Throws Error device-lost, or out-of-memory, where `status` is an error of CUDA's.
void check(cudaError_t status);

/// `stream` has to be the current one. `tuned`: with the best of cuDNN's algorithms, which are tried on the
/// first call in the calling thread; otherwise with the one that cuDNN guesses.
void run_step(const Step &step, Precision precision, const c10::cuda::CUDAStream &stream, bool tuned);

} // namespace anime::cuda
