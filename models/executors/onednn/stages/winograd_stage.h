// SPDX-License-Identifier: LGPL-2.1-or-later
// Winograd convolution, in float32 inside: tiles of the input are transformed, multiplied with transformed
// weights position by position, and transformed back, a group of tiles at a time, so that what lies between
// stays in the cache.
#pragma once

#include "models/executors/onednn/compiler_names.h"
#include "models/executors/onednn/kernels/kernels.h"
#include "models/executors/onednn/stages/conv_stage.h"
#include "models/executors/onednn/stages/thread_moments.h"
#include "models/graph/graph.h"

namespace anime::onednn
{

class WinogradStage final : public Stage
{
public:
    /// True where it can do the convolution and beats oneDNN's direct one. `height`, `width`: of the output,
    /// which has to be of the input's type.
    static bool suits(const ConvSpec &spec, const Tensor &in, int height, int width);

    /// True where it is faster from bf16 than oneDNN's convolution is from bytes: with 7 × 7 taps, 64 to 32
    /// channels at 512 × 512, 25 ms against 57.
    static bool beats_bytes(const Node &conv);

    /// Convolutions of the same input with one output each, which share its transform: the phases of an
    /// upsampled convolution, or a single one. Kernels smaller than 3 × 3 get zeros where `skip` says. All
    /// outputs are of the input's type.
    WinogradStage(std::string name, std::vector<ConvSpec> specs, Tensor &in, std::vector<Tensor *> outs,
                  WeightCache &cache);

    Rows needs(std::size_t i, Rows out) const override;
    int row_step() const override { return tile_; }
    void prepare(int count) override;
    void begin() override;
    std::size_t scratch_bytes() const override;
    void run(Rows out) override;
    std::string describe() const override;
    /// Of the convolutions as they stand; with 3 × 3 taps it does a quarter of them.
    double gmac() const override;
    std::span<const ConvSpec> convolutions() const override { return specs_; }
    /// Of all outputs, once the stage is done with them.
    const Moments &moments() const { return moments_.moments(); }

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
    const Kernels &kernels_;
    const WinogradTransforms &transforms_;
    int tile_;
    std::vector<dnnl::memory> weights_;      ///< of each spec: (positions, panels, input channels, panel)
    std::vector<std::vector<float>> scales_; ///< of each spec that is steered or activated, in this frame
    std::vector<std::vector<float>> shifts_; ///< of each spec that has any
    ThreadMoments moments_;
    int most_channels_ = 0; ///< of an output
    int threads_ = 1;       ///< one where each thread has a band, and so a stage, of its own
};

} // namespace anime::onednn
