// SPDX-License-Identifier: LGPL-2.1-or-later
// A depthwise convolution of bytes with 3×3 taps, computed in f32 (kernels/byte_depthwise_impl.h), for CPUs
// without VNNI, where oneDNN's does the same, but writes f32 only and leaves the moments for a norm to a pass
// of their own.
#pragma once

#include "models/executors/onednn/compiler_names.h"
#include "models/executors/onednn/kernels/kernels.h"
#include "models/executors/onednn/stages/byte_output.h"
#include "models/executors/onednn/stages/conv_stage.h"
#include "models/executors/onednn/stages/thread_moments.h"

namespace anime::onednn
{

class ByteDepthwiseStage final : public Stage
{
public:
    static bool suits(const ConvSpec &spec, const Tensor &in);

    /// A u8 output has to have one zero for all channels.
    ByteDepthwiseStage(ConvSpec spec, Tensor &in, Tensor &out);

    Rows needs(std::size_t i, Rows out) const override;
    void prepare(int count) override;
    void begin() override;
    std::size_t held_bytes() const override;
    void run(Rows out) override;
    std::string describe() const override;
    double gmac() const override { return spec_.gmac(in_, out_); }
    std::span<const ConvSpec> convolutions() const override { return {&spec_, 1}; }
    /// Of the output, once the stage is done with it.
    const Moments &moments() const { return moments_.moments(); }

private:
    void convolve(int y, int x, int pixels, int thread);

    ConvSpec spec_;
    Tensor &in_;
    Tensor &out_;
    const Kernels &kernels_;
    std::vector<float> weights_; ///< (taps, channels), of the bytes
    ByteOutput output_;
    ThreadMoments moments_;
    int threads_ = 1; ///< one where each thread has a band, and so a stage, of its own
};

} // namespace anime::onednn
