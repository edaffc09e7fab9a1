// SPDX-License-Identifier: LGPL-2.1-or-later
// A direct convolution of bytes for CPUs whose products of bytes have to be added in 16 bits
// (kernels/byte_conv_impl.h): those that Winograd's stage doesn't do, with 1×1 taps and with strides. Bias,
// modulation, activation and quantisation are part of it, as of a ConvStage, and so are the moments for a
// norm.
#pragma once

#include "models/compiler/fold.h"
#include "models/executors/onednn/compiler_names.h"
#include "models/executors/onednn/kernels/kernels.h"
#include "models/executors/onednn/stages/byte_output.h"
#include "models/executors/onednn/stages/conv_stage.h"
#include "models/executors/onednn/stages/thread_moments.h"

namespace anime::onednn
{

class ByteConvStage final : public Stage
{
public:
    /// True where it can do the convolution. It then beats oneDNN's, whose kernels widen each product by
    /// itself and write f32 where bf16 is enough.
    static bool suits(const ConvSpec &spec, const Tensor &in);

    /// A u8 output has to have one zero for all channels.
    ByteConvStage(ConvSpec spec, Tensor &in, Tensor &out, WeightCache &cache);

    Rows needs(std::size_t i, Rows out) const override;
    void prepare(int count) override;
    void begin() override;
    std::size_t scratch_bytes() const override;
    std::size_t held_bytes() const override;
    void run(Rows out) override;
    std::string describe() const override;
    double gmac() const override { return spec_.gmac(in_, out_); }
    std::span<const ConvSpec> convolutions() const override { return {&spec_, 1}; }
    /// Of the output, once the stage is done with it.
    const Moments &moments() const { return moments_.moments(); }

private:
    Folded folded();
    std::size_t row_bytes() const { return static_cast<std::size_t>(spec_.kernel_width) * in_.channels; }
    std::size_t panel_bytes() const { return spec_.kernel_height * run_ * byte_panel; }
    void pack(const Folded &folded, WeightCache &cache);
    void convolve(int y, int x, int pixels, int thread);
    /// `pixels`: the output pixels from `in` and to `out`, whose panels they are.
    void convolve(ByteConv pixels, std::byte *out);

    ConvSpec spec_;
    Tensor &in_;
    Tensor &out_;
    const Kernels &kernels_;
    std::size_t run_; ///< bytes of a row of taps, with zeros behind them
    int quads_ = byte_quads;
    dnnl::memory weights_; ///< (panels, kernel_height, run / 4, panel, 4)
    ByteOutput output_;    ///< for as many channels as the panels have
    ThreadMoments moments_;
    int threads_ = 1; ///< one where each thread has a band, and so a stage, of its own
};

} // namespace anime::onednn
