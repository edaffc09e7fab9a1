// SPDX-License-Identifier: LGPL-2.1-or-later
// Convolutions by oneDNN: descriptors once, primitives once for each strip height, execution many times.
#include "models/executors/onednn/stages/conv_stage.h"

#include "models/error.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace anime::onednn
{

namespace
{

using dnnl::memory;
using DataType = memory::data_type;

/// Of a modulation: less than any picture shows, and what it divides stays exact enough in float32.
constexpr float smallest_factor = 1e-4F;

DataType data_type(Type type)
{
    return type == Type::f32 ? DataType::f32 : type == Type::bf16 ? DataType::bf16 : DataType::u8;
}

memory::dims weight_dims(const ConvSpec &spec, int input_channels)
{
    const memory::dim groups = spec.groups;
    if (groups == 1)
        return {spec.channels, input_channels, spec.kernel_height, spec.kernel_width};
    return {groups, spec.channels / groups, input_channels / groups, spec.kernel_height, spec.kernel_width};
}

memory::format_tag weight_tag(const ConvSpec &spec)
{
    return spec.groups == 1 ? memory::format_tag::oihw : memory::format_tag::goihw;
}

memory vector_of(const std::vector<float> &values)
{
    memory out({{static_cast<memory::dim>(values.size())}, DataType::f32, memory::format_tag::x}, cpu());
    std::memcpy(out.get_data_handle(), values.data(), values.size() * sizeof(float));
    return out;
}

memory::desc per_channel(int channels)
{
    return {{1, channels, 1, 1}, DataType::f32, memory::format_tag::nchw};
}

} // namespace

std::size_t WeightCache::bytes() const
{
    const std::lock_guard guard(lock_);
    std::size_t sum = 0;
    for (const auto &[key, packed] : packed_)
        sum += packed.get_desc().get_size();
    return sum;
}

ConvStage::ConvStage(ConvSpec spec, Tensor &in, Tensor &out, WeightCache &cache)
    : Stage(spec.name, out.height), spec_(std::move(spec)), in_(in), out_(out), cache_(cache), stream_(cpu())
{
    inputs = {&in};
    outputs = {&out};
    Folded own = folded();
    unit_ = own.scales;
    if (in_.type == Type::u8) {
        for (int c = 0; c < spec_.channels; ++c)
            own.scales[c] /= scale_of_output(c);
        accumulator_scales_ = {std::move(own.scales), spec_.groups > 1};
    }
    if (spec_.modulation) {
        own_bias_ = own.bias;
        own_bias_.resize(spec_.channels, 0.0F);
        own.bias = own_bias_;
    }
    accumulator_scales_.convert_bias(own.bias);
    if (!own.bias.empty())
        bias_ = vector_of(own.bias);
    if (spec_.modulation)
        factor_ = memory(per_channel(spec_.channels), cpu());
}

Folded ConvStage::folded() const
{
    if (in_.type != Type::u8)
        return {spec_.weights, spec_.bias, {}};
    return fold({spec_.channels, spec_.groups, spec_.kernel_height * spec_.kernel_width, spec_.weights,
                 spec_.bias, spec_.mean, spec_.paired},
                *in_.quant);
}

dnnl::primitive_attr ConvStage::attributes() const
{
    dnnl::primitive_attr attr;
    accumulator_scales_.describe(attr);
    dnnl::post_ops ops;
    if (spec_.modulation)
        ops.append_binary(dnnl::algorithm::binary_mul, per_channel(spec_.channels));
    if (spec_.slope)
        append_eltwise(ops, dnnl::algorithm::eltwise_relu, *spec_.slope, 0.0F);
    if (spec_.tanh)
        append_eltwise(ops, dnnl::algorithm::eltwise_tanh, 0.0F, 0.0F);
    if (out_.type == Type::u8)
        append_eltwise(ops, dnnl::algorithm::eltwise_linear, 1.0F, zero_of_output());
    attr.set_post_ops(ops);
    // The library's own scratchpad belongs to the thread that made the primitive, and bands run on others.
    attr.set_scratchpad_mode(dnnl::scratchpad_mode::user);
    return attr;
}

dnnl::memory ConvStage::pack(const dnnl::memory::desc &layout)
{
    return cache_.get(spec_.name, layout, [&] {
        Folded own = folded();
        memory packed(layout, cpu());
        if (in_.type == Type::u8) {
            std::vector<std::int8_t> bytes(own.weights.begin(), own.weights.end());
            memory plain({weight_dims(spec_, in_.channels), DataType::s8, weight_tag(spec_)}, cpu(),
                         bytes.data());
            dnnl::reorder(plain, packed).execute(stream_, plain, packed);
        } else {
            memory plain({weight_dims(spec_, in_.channels), DataType::f32, weight_tag(spec_)}, cpu(),
                         own.weights.data());
            dnnl::reorder(plain, packed).execute(stream_, plain, packed);
        }
        stream_.wait();
        return packed;
    });
}

Rows ConvStage::needs(std::size_t, Rows out) const
{
    return {spec_.skip + out.begin * spec_.stride,
            spec_.skip + (out.end - 1) * spec_.stride + spec_.kernel_height};
}

void ConvStage::prepare(int count)
{
    if (kernels_.contains(count))
        return;
    const memory::dim in_rows = (count - 1) * spec_.stride + spec_.kernel_height;
    const memory::dim in_width = in_.bordered_width();
    const memory::dim out_width = out_.bordered_width();
    // Columns of the output's border are computed too, from a border of zeros; fill_sides() overwrites them.
    // That keeps both tensors dense, which the fast kernels insist on.
    const memory::dim pad_left = static_cast<memory::dim>(out_.border.left) * spec_.stride;
    const memory::dim pad_right =
        std::max<memory::dim>(0, (out_width - 1) * spec_.stride + spec_.kernel_width - pad_left - in_width);

    const memory::desc in({1, in_.channels, in_rows, in_width}, data_type(in_.type),
                          memory::format_tag::nhwc);
    const memory::desc out({1, spec_.channels, count, out_width}, data_type(out_.type),
                           memory::format_tag::nhwc);
    const DataType weight_type = in_.type == Type::u8 ? DataType::s8 : data_type(in_.type);
    // The best layout depends on the number of rows too, and a kernel that fits none is a thousand times
    // slower.
    const memory::desc weights(weight_dims(spec_, in_.channels), weight_type, memory::format_tag::any);
    const memory::desc bias = bias_ ? bias_.get_desc() : memory::desc();
    const auto chosen = describe_convolution({.in = in,
                                              .weights = weights,
                                              .bias = bias,
                                              .out = out,
                                              .strides = {spec_.stride, spec_.stride},
                                              .pad_begin = {0, pad_left},
                                              .pad_end = {0, pad_right}},
                                             attributes());
    if (implementation_.find(chosen.impl_info_str()) == std::string::npos)
        implementation_ += std::string(implementation_.empty() ? "" : " ") + chosen.impl_info_str();

    Kernel kernel{dnnl::convolution_forward(chosen),
                  memory(in, cpu(), nullptr),
                  memory(out, cpu(), nullptr),
                  memory(chosen.scratchpad_desc(), cpu(), nullptr),
                  {}};
    kernel.arguments = {{DNNL_ARG_SRC, kernel.in},
                        {DNNL_ARG_WEIGHTS, pack(chosen.weights_desc())},
                        {DNNL_ARG_DST, kernel.out},
                        {DNNL_ARG_SCRATCHPAD, kernel.scratch}};
    if (bias_)
        kernel.arguments[DNNL_ARG_BIAS] = bias_;
    accumulator_scales_.add_arguments(kernel.arguments);
    if (spec_.modulation)
        kernel.arguments[DNNL_ARG_ATTR_MULTIPLE_POST_OP(0) | DNNL_ARG_SRC_1] = factor_;
    kernels_.emplace(count, std::move(kernel));
}

/// y · factor + addend is (y + addend / factor) · factor, so the addend joins the bias and costs nothing per
/// pixel.
void ConvStage::begin()
{
    if (!spec_.modulation)
        return;
    const float *v = spec_.modulation->data() + spec_.offset;
    auto *factor = static_cast<float *>(factor_.get_data_handle());
    auto *bias = static_cast<float *>(bias_.get_data_handle());
    for (int c = 0; c < spec_.channels; ++c) {
        const float wanted = 1.0F + v[c];
        factor[c] = std::copysign(std::max(std::fabs(wanted), smallest_factor), wanted);
        const float unit = unit_.empty() ? 1.0F : unit_[c];
        bias[c] = own_bias_[c] + v[spec_.channels + c] / (factor[c] * unit);
    }
    accumulator_scales_.convert_bias({bias, own_bias_.size()});
}

void ConvStage::run(Rows rows)
{
    Kernel &kernel = kernels_.at(rows.count());
    kernel.in.set_data_handle(in_.bordered_row(spec_.skip + rows.begin * spec_.stride) +
                              spec_.skip_columns * in_.pixel_bytes());
    kernel.out.set_data_handle(out_.bordered_row(out_.border.top + rows.begin));
    kernel.scratch.set_data_handle(scratch);
    kernel.primitive.execute(stream_, kernel.arguments);
    out_.fill_borders(rows.begin, rows.end);
}

std::string ConvStage::describe() const
{
    std::string text =
        std::to_string(spec_.kernel_height) + "x" + std::to_string(spec_.kernel_width) + " conv";
    if (spec_.stride > 1)
        text += " /" + std::to_string(spec_.stride);
    if (spec_.groups > 1)
        text += " depthwise";
    text += spec_.on_the_way();
    if (spec_.tanh)
        text += " + tanh";
    return text + ", " + implementation_;
}

std::size_t ConvStage::held_bytes() const
{
    return (bias_ ? bias_.get_desc().get_size() : 0) + (factor_ ? factor_.get_desc().get_size() : 0);
}

std::size_t ConvStage::scratch_bytes() const
{
    std::size_t most = 0;
    for (const auto &[rows, kernel] : kernels_)
        most = std::max(most, kernel.scratch.get_desc().get_size());
    return most;
}

double ConvStage::gmac() const
{
    return spec_.gmac(in_, out_);
}

} // namespace anime::onednn
