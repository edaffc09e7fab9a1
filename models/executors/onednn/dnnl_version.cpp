// SPDX-License-Identifier: LGPL-2.1-or-later
// oneDNN 2 scales sum and bias together, with factors fixed in the attributes; oneDNN 3 scales the sum, adds
// the bias after that, and takes the factors as an argument, as if they were the weights'.
#include "models/executors/onednn/dnnl_version.h"

#include <cstring>

namespace anime::onednn
{

const dnnl::engine &cpu()
{
    static const dnnl::engine engine = [] {
        // oneDNN remembers the last 1024 primitives that were made, about 160 KB each: with photos of ever
        // other sizes that is 170 MB. Plans hold what they need themselves.
        dnnl::set_primitive_cache_capacity(64);
        return dnnl::engine(dnnl::engine::kind::cpu, 0);
    }();
    return engine;
}

#if DNNL_VERSION_MAJOR < 3

dnnl::convolution_forward::primitive_desc describe_convolution(const ConvDescs &descs,
                                                               const dnnl::primitive_attr &attr)
{
    const dnnl::convolution_forward::desc op(
        dnnl::prop_kind::forward_inference, dnnl::algorithm::convolution_direct, descs.in, descs.weights,
        descs.bias, descs.out, descs.strides, descs.pad_begin, descs.pad_end);
    return {op, attr, cpu()};
}

void append_eltwise(dnnl::post_ops &ops, dnnl::algorithm algorithm, float alpha, float beta)
{
    ops.append_eltwise(1.0F, algorithm, alpha, beta);
}

AccumulatorScales::AccumulatorScales(std::vector<float> scales, bool grouped)
    : scales_(std::move(scales)), grouped_(grouped)
{
}

void AccumulatorScales::convert_bias(std::span<float>) const {}

void AccumulatorScales::describe(dnnl::primitive_attr &attr) const
{
    constexpr int by_output_channel = 1 << 1;
    if (!scales_.empty())
        attr.set_output_scales(by_output_channel, scales_);
}

void AccumulatorScales::add_arguments(std::unordered_map<int, dnnl::memory> &) const {}

#else

dnnl::convolution_forward::primitive_desc describe_convolution(const ConvDescs &descs,
                                                               const dnnl::primitive_attr &attr)
{
    return {cpu(),
            dnnl::prop_kind::forward_inference,
            dnnl::algorithm::convolution_direct,
            descs.in,
            descs.weights,
            descs.bias,
            descs.out,
            descs.strides,
            descs.pad_begin,
            descs.pad_end,
            attr};
}

void append_eltwise(dnnl::post_ops &ops, dnnl::algorithm algorithm, float alpha, float beta)
{
    ops.append_eltwise(algorithm, alpha, beta);
}

AccumulatorScales::AccumulatorScales(std::vector<float> scales, bool grouped)
    : scales_(std::move(scales)), grouped_(grouped)
{
    using dnnl::memory;
    memory_ = memory(
        {{static_cast<memory::dim>(scales_.size())}, memory::data_type::f32, memory::format_tag::x}, cpu());
    std::memcpy(memory_.get_data_handle(), scales_.data(), scales_.size() * sizeof(float));
}

void AccumulatorScales::convert_bias(std::span<float> bias) const
{
    for (std::size_t c = 0; c < scales_.size() && c < bias.size(); ++c)
        bias[c] *= scales_[c];
}

void AccumulatorScales::describe(dnnl::primitive_attr &attr) const
{
    // Output channels are the first dimension of the weights, or the first two.
    if (!scales_.empty())
        attr.set_scales_mask(DNNL_ARG_WEIGHTS, grouped_ ? 1 << 0 | 1 << 1 : 1 << 0);
}

void AccumulatorScales::add_arguments(std::unordered_map<int, dnnl::memory> &arguments) const
{
    if (!scales_.empty())
        arguments[DNNL_ARG_ATTR_SCALES | DNNL_ARG_WEIGHTS] = memory_;
}

#endif

} // namespace anime::onednn
