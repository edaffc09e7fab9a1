// SPDX-License-Identifier: LGPL-2.1-or-later
// Graph to steps: one chain after the other.
#include "plugins/torch/cuda/plan.h"

#include "models/compiler/chains.h"
#include "models/error.h"
#include "models/padding.h"
#include "plugins/torch/cuda/arithmetic.h"
#include "plugins/torch/cuda/global_branch.h"
#include "plugins/torch/cuda/places.h"
#include "plugins/torch/cuda/readers.h"

#include <algorithm>

namespace anime::cuda
{

using compiler::Border;
using compiler::Chain;

namespace
{

/// Of a sum, on each multiprocessor: enough threads to keep its memory accesses under way.
constexpr int blocks_a_multiprocessor = 4;
/// Groups that a thread of a sum has at least, so that small values don't take more blocks than they are
/// worth.
constexpr int least_groups = 4;

struct Scaling {
    const float *scale = nullptr;
    const float *shift = nullptr;
};

/// Of a value, a pair a block of the kernel that made them; null: none.
struct Sums {
    const float *partials = nullptr;
    int blocks = 0;
};

/// What a chain left behind.
struct Value {
    int height = 0;
    int width = 0;
    std::vector<std::pair<Border, std::byte *>> forms;
    // Lazy: what the convolution left, and what is still to be done to it. There are no forms then.
    std::byte *raw = nullptr;
    Scaling scaling;
    float slope = 1;
    const float *floats = nullptr; ///< of the global branch
};

Picture picture_of(const PictureSize &size, int network_width, int network_height)
{
    Picture out;
    if (size.floats)
        out.planes = unbound<const float>(in_buffer, 0);
    else
        out.bytes = unbound<const std::uint8_t>(in_buffer, 0);
    out.width = size.width;
    out.height = size.height;
    out.pixel = size.pixel;
    out.network_width = network_width;
    out.network_height = network_height;
    return out;
}

/// What it reads is still to be filled in.
Write write_picture(const Chain &chain, const PictureSize &size)
{
    Write step;
    step.tanh = chain.tanh;
    step.factor = chain.shuffle;
    step.bytes = unbound<std::uint8_t>(out_buffer, 0);
    if (size.floats)
        step.planes = unbound<float>(planes_buffer, 0);
    step.picture_width = size.width;
    step.picture_height = size.height;
    return step;
}

class Planner
{
public:
    Planner(const Graph &graph, const PictureSize &size, Packing &packing, int multiprocessors)
        : graph_(graph), size_(size), places_(packing), multiprocessors_(multiprocessors),
          chains_(compiler::find_chains(graph)), roles_(choose_roles(graph, chains_)), values_(chains_.size())
    {
        plan_.network_width = padded_side(size.width, graph.multiple, graph.minimum);
        plan_.network_height = padded_side(size.height, graph.multiple, graph.minimum);
        picture_ = picture_of(size, plan_.network_width, plan_.network_height);
    }

    Plan make()
    {
        for (i_ = 0; i_ < chains_.size(); ++i_)
            add_chain();
        Layout layout = lay_out(plan_.steps, places_.sizes());
        plan_.addresses = std::move(layout.addresses);
        plan_.arena_bytes = layout.bytes;
        return std::move(plan_);
    }

private:
    using Kind = Role::Kind;

    const Chain &chain() const { return chains_[i_]; }
    const Role &role() const { return roles_[i_]; }
    const Node &node() const { return graph_.nodes[chain().start]; }
    Value &value() { return values_[i_]; }
    const Value &source() const { return values_[chain_of(chains_, chain().source)]; }

    void add_chain()
    {
        switch (role().kind) {
        case Kind::read:
            read();
            break;
        case Kind::global:
            global();
            break;
        case Kind::conv:
        case Kind::phases:
        case Kind::depthwise:
            convolve();
            break;
        case Kind::upsample:
            upsample();
            break;
        case Kind::pass:
            pass();
            break;
        case Kind::last:
            write_by_convolution();
            break;
        }
    }

    void read()
    {
        const int factor = chain().unshuffle;
        value().height = plan_.network_height / factor;
        value().width = plan_.network_width / factor;
        for (const Border &border : role().borders) {
            Read step;
            step.picture = picture_;
            step.factor = factor;
            step.rows = border.top + value().height + border.bottom;
            step.columns = border.left + value().width + border.right;
            step.channels = role().channels;
            step.left = border.left;
            step.top = border.top;
            step.out = places_.tensor(step.rows, step.columns, step.channels);
            value().forms.emplace_back(border, static_cast<std::byte *>(step.out));
            plan_.steps.emplace_back(step);
        }
    }

    void global()
    {
        SmallValue from;
        if (node().op != Op::thumbnail)
            from = {source().height, source().width, source().floats};
        const SmallValue left = add_global_step(graph_, chain(), from, picture_, places_, plan_.steps);
        value().height = left.height;
        value().width = left.width;
        value().floats = left.floats;
    }

    /// The form of the source's value with this border.
    std::byte *form_of(const Value &value, const Border &border) const
    {
        for (const auto &[made, data] : value.forms)
            if (made == border)
                return data;
        throw Error("model-unsupported", "Nothing prepares the input of '" + node().name + "'.");
    }

    /// Has the step read a value as its convolution left it, with what is still to be done to it, or
    /// finished.
    template <typename Reader>
    void read_from(const Value &from, Reader &step) const
    {
        if (!from.raw) {
            step.source = form_of(from, {});
            return;
        }
        step.source = from.raw;
        step.scale = from.scaling.scale;
        step.shift = from.scaling.shift;
        step.slope = from.slope;
    }

    void convolve()
    {
        Value &out = value();
        Sums sums;
        if (role().kind == Kind::depthwise)
            sums = depthwise();
        else
            convolution();
        if (chain().norm >= 0 && !sums.partials)
            sums = moments();
        out.scaling = scaling(sums);
        out.slope = chain().slope.value_or(1.0F);
        if (role().ends)
            write();
        else if (!role().lazy)
            apply(role().kind == Kind::phases ? Apply::From::phases : Apply::From::value, out.raw,
                  role().kind == Kind::phases ? out.width / 2 : out.width);
    }

    /// Of what a convolution left.
    Sums moments()
    {
        Moments step;
        step.source = value().raw;
        step.groups = static_cast<long>(value().height) * value().width * (role().channels / group);
        step.channels = role().channels;
        step.bias = places_.constants(node().bias, role().channels);
        const long useful = (step.groups + long{least_groups} * Moments::threads - 1) /
                            (long{least_groups} * Moments::threads);
        step.blocks =
            static_cast<int>(std::min<long>(useful, long{multiprocessors_} * blocks_a_multiprocessor));
        step.partials = places_.floats(2L * step.blocks);
        plan_.steps.emplace_back(step);
        return {step.partials, step.blocks};
    }

    Sums depthwise()
    {
        const Value &from = source();
        Depthwise step;
        step.height = value().height = from.height;
        step.width = value().width = from.width;
        step.channels = role().channels;
        read_from(from, step);
        step.weights = Places::at<float>(places_.packing().depthwise(node()));
        step.bias = places_.constants(node().bias, role().channels);
        step.out = value().raw = places_.tensor(step.height, step.width, step.channels);
        if (chain().norm >= 0)
            step.partials = places_.floats(2L * step.blocks());
        plan_.steps.emplace_back(step);
        return {step.partials, step.partials ? step.blocks() : 0};
    }

    void convolution()
    {
        const Value &from = source();
        const PackedShape &shape = role().shape;
        const bool phases = role().kind == Kind::phases;
        Border border{1, 1, 1, 1, compiler::Fill::reflect_then_repeat};
        if (!phases)
            border = border_of(node(), shape);
        Conv step;
        step.node = &node();
        step.in = form_of(from, border);
        step.rows = border.top + from.height + border.bottom;
        step.columns = (border.left + from.width + border.right) / shape.fold;
        step.in_channels = shape.in_channels * shape.fold;
        step.kernel_height = shape.kernel_height;
        step.kernel_width = shape.kernel_width;
        step.stride = node().stride;
        step.out_rows = (step.rows - step.kernel_height) / step.stride + 1;
        step.out_columns = (step.columns - step.kernel_width) / step.stride + 1;
        step.channels = shape.channels * shape.fold * (phases ? 4 : 1);
        Packing &packing = places_.packing();
        step.weights =
            Places::at<std::byte>(phases ? packing.phases(node(), shape.in_channels, shape.channels)
                                         : packing.convolution(node(), shape));
        step.out = value().raw = places_.tensor(step.out_rows, step.out_columns, step.channels);
        value().height = step.out_rows * (phases ? 2 : 1);
        value().width = step.out_columns * (phases ? 2 : shape.fold);
        plan_.steps.emplace_back(step);
    }

    /// Without statistics and modulation, the bias alone.
    Scaling scaling(const Sums &sums)
    {
        if (!sums.partials && chain().modulate < 0)
            return {nullptr, places_.constants(node().bias, role().channels)};
        Affine step;
        step.partials = sums.partials;
        step.blocks = sums.blocks;
        step.channels = node().channels;
        step.padded = role().channels;
        step.count = static_cast<double>(value().height) * value().width * node().channels;
        if (sums.partials) {
            const Node &norm = graph_.nodes[chain().norm];
            step.gamma = places_.constants(norm.weight, role().channels);
            step.beta = places_.constants(norm.bias, role().channels);
            step.eps = norm.eps;
        }
        if (!chain().pass)
            step.bias = places_.constants(node().bias, role().channels);
        if (chain().modulate >= 0) {
            const Node &modulate = graph_.nodes[chain().modulate];
            step.modulation = values_[chain_of(chains_, modulate.inputs[1])].floats + modulate.offset;
        }
        step.scale = places_.floats(role().channels);
        step.shift = places_.floats(role().channels);
        plan_.steps.emplace_back(step);
        return {step.scale, step.shift};
    }

    /// A pass in every form that is wanted.
    void apply(Apply::From from, const std::byte *data, int columns)
    {
        Value &out = value();
        for (const Border &border : role().borders) {
            Apply step;
            step.from = from;
            step.upsampling = node().upsampling;
            step.source = data;
            step.source_columns = columns;
            step.height = out.height;
            step.width = out.width;
            step.channels = role().channels;
            step.scale = out.scaling.scale;
            step.shift = out.scaling.shift;
            step.slope = chain().slope.value_or(1.0F);
            if (chain().residual >= 0) {
                const Value &other = values_[chain_of(chains_, chain().residual)];
                step.residual = inside(other, step.residual_columns);
            }
            step.slope_after = chain().slope_after.value_or(1.0F);
            step.border = border;
            step.out = places_.tensor(step.rows(), step.columns(), step.channels);
            out.forms.emplace_back(border, static_cast<std::byte *>(step.out));
            plan_.steps.emplace_back(step);
        }
        out.raw = nullptr;
    }

    /// The first pixel inside the border of any form of a value, and how many pixels a row has in memory.
    const std::byte *inside(const Value &value, int &columns) const
    {
        if (value.forms.empty())
            throw Error("model-unsupported", "Nothing prepares what '" + node().name + "' reads.");
        const auto &[border, data] = value.forms.front();
        columns = border.left + value.width + border.right;
        const std::size_t pixels = static_cast<std::size_t>(border.top) * columns + border.left;
        return data + pixels * role().channels * places_.element_size();
    }

    void upsample()
    {
        const Value &from = source();
        value().height = 2 * from.height;
        value().width = 2 * from.width;
        int columns = 0;
        const std::byte *data = inside(from, columns);
        apply(Apply::From::upsample, data, columns);
    }

    void pass()
    {
        const Value &from = source();
        value().height = from.height;
        value().width = from.width;
        if (chain().norm >= 0)
            throw Error("model-unsupported",
                        "The torch executor can't normalise the input of '" + node().name +
                            "' on a GPU where it stands.",
                        "Use device=cpu.");
        if (chain().modulate >= 0)
            value().scaling = scaling({});
        int columns = 0;
        const std::byte *data = inside(from, columns);
        apply(Apply::From::value, data, columns);
    }

    void write()
    {
        if (role().kind == Kind::phases)
            throw Error("model-unsupported",
                        "The torch executor can't end with '" + node().name + "' on a GPU.",
                        "Use device=cpu.");
        Write step = write_picture(chain(), size_);
        step.height = value().height;
        step.width = value().width;
        read_from(value(), step);
        step.channels = role().shape.channels;
        plan_.steps.emplace_back(step);
    }

    void write_by_convolution()
    {
        const Value &from = source();
        Write step = write_picture(chain(), size_);
        step.height = from.height;
        step.width = from.width;
        step.channels = roles_[chain_of(chains_, chain().source)].channels;
        read_from(from, step);
        step.weights = Places::at<float>(places_.packing().floats(
            *node().weight, static_cast<std::size_t>(node().weight->shape[1]), step.channels));
        step.bias = places_.constants(node().bias, 3);
        plan_.steps.emplace_back(step);
    }

    const Graph &graph_;
    PictureSize size_;
    Picture picture_;
    Places places_;
    int multiprocessors_;
    std::vector<Chain> chains_;
    std::vector<Role> roles_;
    std::vector<Value> values_; ///< by chain
    std::size_t i_ = 0;         ///< the chain that is being added
    Plan plan_;
};

} // namespace

Plan make_plan(const Graph &graph, const PictureSize &size, Packing &packing, int multiprocessors)
{
    return Planner(graph, size, packing, multiprocessors).make();
}

} // namespace anime::cuda
