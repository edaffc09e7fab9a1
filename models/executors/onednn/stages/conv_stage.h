// SPDX-License-Identifier: LGPL-2.1-or-later
// A convolution by oneDNN, strip by strip, with everything fused that oneDNN can fuse: bias, modulation,
// activation, quantisation of the output.
#pragma once

#include "models/compiler/conv_spec.h"
#include "models/compiler/fold.h"
#include "models/executors/onednn/compiler_names.h"
#include "models/executors/onednn/dnnl_version.h"

#include <oneapi/dnnl/dnnl.hpp>

#include <map>
#include <memory>
#include <mutex>

namespace anime::onednn
{

/// Packed weights by convolution. Plans and strips of different sizes share them when oneDNN wants the same
/// layout. Safe to call from several threads.
class WeightCache
{
public:
    /// The packed weights of `key` in the layout `desc`; `make` packs them when nobody has yet.
    template <typename Make>
    dnnl::memory get(const std::string &key, const dnnl::memory::desc &desc, Make make)
    {
        const std::lock_guard guard(lock_); // also while packing: nobody does it twice
        for (auto [i, end] = packed_.equal_range(key); i != end; ++i)
            if (i->second.get_desc() == desc)
                return i->second;
        return packed_.emplace(key, make())->second;
    }

    std::size_t bytes() const;

private:
    mutable std::mutex lock_; ///< protects what follows
    std::multimap<std::string, dnnl::memory> packed_;
};

class ConvStage final : public Stage
{
public:
    /// `in` has exactly the border that the convolution pads with, and spec.skip more. `out` may have one of
    /// its own: the convolution then writes into its inside. A u8 output has to have one zero for all
    /// channels.
    ConvStage(ConvSpec spec, Tensor &in, Tensor &out, WeightCache &cache);

    Rows needs(std::size_t i, Rows out) const override;
    void prepare(int count) override;
    void begin() override;
    void run(Rows out) override;
    std::string describe() const override;
    std::size_t held_bytes() const override;
    std::size_t scratch_bytes() const override;
    double gmac() const override;

    std::span<const ConvSpec> convolutions() const override { return {&spec_, 1}; }

private:
    struct Kernel {
        dnnl::convolution_forward primitive;
        dnnl::memory in;
        dnnl::memory out;
        dnnl::memory scratch;
        std::unordered_map<int, dnnl::memory> arguments;
    };

    Folded folded() const;
    dnnl::primitive_attr attributes() const;
    dnnl::memory pack(const dnnl::memory::desc &layout);
    float zero_of_output() const { return out_.quant ? out_.quant->zero[0] : 0.0F; }
    float scale_of_output(int c) const { return out_.quant ? out_.quant->scale[c] : 1.0F; }

    ConvSpec spec_;
    Tensor &in_;
    Tensor &out_;
    WeightCache &cache_;
    dnnl::stream stream_;
    std::map<int, Kernel> kernels_; ///< by number of rows
    AccumulatorScales accumulator_scales_;
    std::vector<float> unit_;     ///< with 8-bit input: what one accumulated unit is worth, by output channel
    std::vector<float> own_bias_; ///< with modulation: the bias before it
    dnnl::memory bias_;
    dnnl::memory factor_; ///< of the modulation
    std::string implementation_;
};

} // namespace anime::onednn
