// SPDX-License-Identifier: LGPL-2.1-or-later
// What differs between oneDNN 2 (Debian 12) and oneDNN 3 (Debian 13): how a convolution is described, and who
// multiplies the accumulators of an 8-bit one.
#pragma once

#include <oneapi/dnnl/dnnl.hpp>

#include <span>
#include <unordered_map>
#include <vector>

namespace anime::onednn
{

const dnnl::engine &cpu();

/// A convolution for inference, without dilation.
struct ConvDescs {
    dnnl::memory::desc in;
    dnnl::memory::desc weights;
    dnnl::memory::desc bias;
    dnnl::memory::desc out;
    dnnl::memory::dims strides;
    dnnl::memory::dims pad_begin;
    dnnl::memory::dims pad_end;
};

dnnl::convolution_forward::primitive_desc describe_convolution(const ConvDescs &descs,
                                                               const dnnl::primitive_attr &attr);

void append_eltwise(dnnl::post_ops &ops, dnnl::algorithm algorithm, float alpha, float beta);

/// The factors, one a channel, from the accumulators of an 8-bit convolution to its output.
class AccumulatorScales
{
public:
    /// None: not an 8-bit convolution.
    AccumulatorScales() = default;
    AccumulatorScales(std::vector<float> scales, bool grouped);

    /// From the accumulators' unit to the one in which oneDNN wants a bias.
    void convert_bias(std::span<float> bias) const;

    void describe(dnnl::primitive_attr &attr) const;
    void add_arguments(std::unordered_map<int, dnnl::memory> &arguments) const;

private:
    std::vector<float> scales_;
    bool grouped_ = false;
    dnnl::memory memory_; ///< oneDNN 3: the factors, given with each execution
};

} // namespace anime::onednn
