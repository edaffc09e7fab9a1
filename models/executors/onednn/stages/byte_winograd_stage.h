// SPDX-License-Identifier: LGPL-2.1-or-later
// A 3×3 convolution of bytes by Winograd in whole numbers (kernels/byte_winograd.h), for CPUs whose products
// of bytes have to be added in 16 bits. Bias, modulation, activation and quantisation are part of it, as of a
// ConvStage.
#pragma once

#include "models/executors/onednn/compiler_names.h"
#include "models/executors/onednn/kernels/kernels.h"
#include "models/executors/onednn/stages/conv_stage.h"
#include "models/executors/onednn/stages/thread_moments.h"

#include <memory>

namespace anime::onednn
{

class ByteWinogradStage final : public Stage
{
public:
    /// True where it can do the convolution and beats oneDNN's direct one. `height`, `width`: of the output.
    static bool suits(const ConvSpec &spec, const Tensor &in, int height, int width);

    /// Convolutions of the same input with one output each, which share its transform: the phases of an
    /// upsampled convolution, or a single one. Kernels smaller than 3 × 3 get zeros where `skip` says. A u8
    /// output has to have one zero for all channels.
    ByteWinogradStage(std::string name, std::vector<ConvSpec> specs, Tensor &in, std::vector<Tensor *> outs,
                      WeightCache &cache);
    ~ByteWinogradStage() override;

    Rows needs(std::size_t i, Rows out) const override;
    int row_step() const override;
    void prepare(int count) override;
    void begin() override;
    std::size_t scratch_bytes() const override;
    std::size_t held_bytes() const override;
    void run(Rows out) override;
    std::string describe() const override;
    /// Of the convolutions as they stand; it does a quarter of them.
    double gmac() const override;
    std::span<const ConvSpec> convolutions() const override { return specs_; }
    /// Of all outputs, once the stage is done with them.
    const Moments &moments() const { return moments_.moments(); }

private:
    struct Group;
    struct Part;

    Part make_part(ConvSpec &spec, const Tensor &out, WeightCache &cache) const;
    std::size_t position_values() const;
    std::size_t thread_bytes() const;
    void transform_input(const Group &group) const;
    void convolve(const Group &group, std::size_t part) const;
    /// Of part `i`, the panel that begins with `channel`.
    void transform_output(const Group &group, std::size_t i, int channel) const;

    std::vector<ConvSpec> specs_;
    Tensor &in_;
    const Kernels &kernels_;
    std::vector<Part> parts_;
    ThreadMoments moments_;
    int threads_ = 1; ///< one where each thread has a band, and so a stage, of its own
};

} // namespace anime::onednn
