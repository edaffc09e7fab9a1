// SPDX-License-Identifier: LGPL-2.1-or-later
// Everything that is asked of libtorch to compute is here.
#include "plugins/torch/cuda/run_step.h"

#include "models/error.h"

#include <ATen/ops/cudnn_convolution.h>
#include <ATen/ops/from_blob.h>
#include <cuda_runtime_api.h>
#include <torch/types.h>

#include <array>
#include <string>

namespace anime::cuda
{

namespace
{

void convolve(const Conv &step, Precision precision, torch::Device device, bool tuned)
{
    const auto type = precision == Precision::f16 ? torch::kHalf : torch::kFloat;
    // NHWC in memory, named as NCHW. for_blob takes a mutable pointer; cuDNN writes through the last one
    // alone. Without target_device, it would ask the driver where the pointer belongs.
    const auto view = [&](const void *data, std::int64_t n, std::int64_t c, std::int64_t h, std::int64_t w) {
        const std::array<std::int64_t, 4> sizes{n, c, h, w};
        const std::array<std::int64_t, 4> strides{h * w * c, 1, w * c, c};
        return at::for_blob(const_cast<void *>(data), sizes)
            .strides(strides)
            .target_device(device)
            .options(torch::TensorOptions().dtype(type).device(device))
            .make_tensor();
    };
    const torch::Tensor in = view(step.in, 1, step.in_channels, step.rows, step.columns);
    const torch::Tensor weights =
        view(step.weights, step.channels, step.in_channels, step.kernel_height, step.kernel_width);
    torch::Tensor out = view(step.out, 1, step.channels, step.out_rows, step.out_columns);
    const std::array<std::int64_t, 2> padding{0, 0};
    const std::array<std::int64_t, 2> stride{step.stride, step.stride};
    const std::array<std::int64_t, 2> dilation{1, 1};
    // libtorch remembers the algorithm of a convolution, also one that it only guessed, by the flag for
    // determinism among others: with another value it looks for one afresh. In f16 the flag for TF32 is what
    // lets it use matrix units; in f32, which is for exactness and not for speed, they would round to 10 bits
    // of mantissa.
    const bool half = precision == Precision::f16;
    const bool tune = tuned && half;
    at::cudnn_convolution_out(out, in, weights, padding, stride, dilation, 1, tune, !tune, half);
}

} // namespace

void check(cudaError_t status)
{
    if (status == cudaErrorMemoryAllocation)
        throw Error("out-of-memory", "There is not enough memory on the GPU for this picture.",
                    "Lower max-dimension.");
    if (status != cudaSuccess)
        throw Error("device-lost", std::string("The GPU failed: ") + cudaGetErrorString(status) + ".",
                    "Restart the process; the kernel's log tells more (dmesg, lines with NVRM).");
}

void run_step(const Step &step, Precision precision, const c10::cuda::CUDAStream &stream, bool tuned)
{
    if (const auto *conv = std::get_if<Conv>(&step))
        convolve(*conv, precision, stream.device(), tuned);
    else
        check(static_cast<cudaError_t>(launch(step, precision, stream.stream())));
}

} // namespace anime::cuda
