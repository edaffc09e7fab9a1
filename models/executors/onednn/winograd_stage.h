// SPDX-License-Identifier: LGPL-2.1-or-later
// Winograd convolution in float32: tiles of the input are transformed, multiplied with transformed weights
// position by position, and transformed back, a group of tiles at a time, so that what lies between stays in
// the cache.
#pragma once

#include "models/executors/onednn/conv_stage.h"
#include "models/executors/onednn/kernels.h"

namespace anime::onednn
{

class WinogradStage final : public Stage
{
public:
    /// True where it can do the convolution and beats oneDNN's direct one. `height`, `width`: of the output.
    static bool suits(const ConvSpec &spec, const Tensor &in, int height, int width);

    /// Convolutions of the same input with one output each, which share its transform: the phases of an
    /// upsampled convolution, or a single one. Kernels smaller than 3 × 3 get zeros where `skip` says. No
    /// output has a border.
    WinogradStage(std::string name, std::vector<ConvSpec> specs, Tensor &in, std::vector<Tensor *> outs,
                  WeightCache &cache);

    Rows needs(std::size_t i, Rows out) const override;
    int row_step() const override { return tile_; }
    void prepare(int count) override;
    std::size_t scratch_bytes() const override;
    void run(Rows out) override;
    std::string describe() const override;
    /// Of the convolutions as they stand; it does 36 multiplications where they do 144, or 100 where 784.
    double gmac() const override;
    std::span<const ConvSpec> convolutions() const override { return specs_; }

private:
    struct Group;

    int side() const { return tile_ + taps_ - 1; }
    int positions() const { return side() * side(); }
    dnnl::memory pack(const ConvSpec &spec, WeightCache &cache) const;
    std::size_t scratch_floats() const;
    void convolve(const Group &group) const;
    void transform_input(const Group &group) const;
    void transform_output(const Group &group, std::size_t part) const;

    std::vector<ConvSpec> specs_;
    Tensor &in_;
    int taps_;
    int tile_;
    const Kernels &kernels_;
    const WinogradTransforms &transforms_;
    std::vector<dnnl::memory> weights_; ///< of each spec: (positions, panels, input channels, panel)
    int most_channels_ = 0;             ///< of an output
    int threads_ = 1;                   ///< one where each thread has a band, and so a stage, of its own
};

} // namespace anime::onednn
