// SPDX-License-Identifier: LGPL-2.1-or-later
// Graph to stages: one chain after the other.
#include "models/executors/onednn/lowering.h"

#include "models/compiler/chains.h"
#include "models/compiler/forms.h"
#include "models/compiler/phases.h"
#include "models/error.h"
#include "models/executors/onednn/costs.h"
#include "models/executors/onednn/stages/apply_stage.h"
#include "models/executors/onednn/stages/byte_conv_stage.h"
#include "models/executors/onednn/stages/byte_depthwise_stage.h"
#include "models/executors/onednn/stages/byte_winograd_stage.h"
#include "models/executors/onednn/stages/global_stages.h"
#include "models/executors/onednn/stages/moments_stage.h"
#include "models/executors/onednn/stages/picture_stages.h"
#include "models/executors/onednn/stages/upsample_stage.h"
#include "models/executors/onednn/stages/winograd_stage.h"

#include <algorithm>
#include <array>
#include <map>

namespace anime::onednn
{

namespace
{

struct Size {
    int height = 0;
    int width = 0;
};

/// What a chain left behind.
struct Value {
    Size size;
    std::vector<std::pair<Form, Tensor *>> tensors;
    Vector *vector = nullptr;
    const Stage *stage = nullptr; ///< the one that wrote it
};

class Lowering
{
public:
    Lowering(const Graph &graph, Precision precision, Size size, const Frame &frame, WeightCache &cache)
        : graph_(graph), precision_(precision), size_(size), frame_(frame), cache_(cache),
          chains_(find_chains(graph)), forms_(choose_forms(graph, chains_, precision, costs())),
          values_(graph.nodes.size())
    {
    }

    Lowered lower(const Checkpoint &checkpoint)
    {
        for (std::size_t i = 0; i < chains_.size(); ++i) {
            if (checkpoint)
                checkpoint();
            lower_chain(chains_[i], forms_[i]);
        }
        return std::move(out_);
    }

private:
    const Node &start(const Chain &chain) const { return graph_.nodes[chain.start]; }

    template <typename T, typename... Arguments>
    T &stage(Arguments &&...arguments)
    {
        auto made = std::make_unique<T>(std::forward<Arguments>(arguments)...);
        T &out = *made;
        out_.stages.push_back(std::move(made));
        return out;
    }

    Tensor &tensor(const std::string &name, const Form &form, int channels, Size size)
    {
        Tensor &out = out_.tensors.emplace_back();
        out.name = name;
        out.type = form.type;
        out.channels = channels;
        out.height = size.height;
        out.width = size.width;
        out.border = form.border;
        out.quant = form.quant;
        return out;
    }

    /// The chain's value in every form that is wanted.
    std::vector<Tensor *> results(const Chain &chain, const ChainForms &forms, int channels, Size size)
    {
        Value &value = values_[chain.end];
        value.size = size;
        std::vector<Tensor *> out;
        for (const Form &form : forms.forms) {
            out.push_back(&tensor(name_of(chain), form, channels, size));
            value.tensors.emplace_back(form, out.back());
        }
        return out;
    }

    std::string name_of(const Chain &chain) const
    {
        const Node &node = start(chain);
        return (node.name.empty() ? "node " + std::to_string(chain.start) : node.name) +
               (chain.pass ? " pass" : "");
    }

    void lower_chain(const Chain &chain, const ChainForms &forms)
    {
        if (chain.pass) {
            pass(chain, forms, {readable(chain.source)}, values_[chain.source].size);
            return;
        }
        switch (start(chain).op) {
        case Op::input:
            read(chain, forms);
            break;
        case Op::conv:
            convolve(chain, forms);
            break;
        case Op::upsample:
            upsample(chain, forms);
            break;
        case Op::thumbnail:
            thumbnail(chain, forms);
            break;
        case Op::spatial_mean:
            mean(chain);
            break;
        default:
            linear(chain);
            break;
        }
        if (forms.last)
            stage<WriteStage>(frame_, chain.shuffle, *values_[chain.end].tensors[0].second);
    }

    Tensor *readable(int value) const { return values_[value].tensors.front().second; }

    void read(const Chain &chain, const ChainForms &forms)
    {
        const int factor = chain.unshuffle;
        const Size size{size_.height / factor, size_.width / factor};
        const auto tensors = results(chain, forms, 3 * factor * factor, size);
        if (!tensors.empty())
            stage<ReadStage>(frame_, factor, tensors);
    }

    void thumbnail(const Chain &chain, const ChainForms &forms)
    {
        const int side = start(chain).factor;
        const auto tensors = results(chain, forms, 3, {side, side});
        values_[chain.end].stage =
            &stage<ThumbnailStage>(frame_, size_.height, size_.width, *tensors.front());
    }

    void mean(const Chain &chain)
    {
        Value &value = values_[chain.end];
        value.vector = &out_.vectors.emplace_back();
        value.stage = &stage<MeanStage>(*readable(chain.source), *value.vector);
    }

    void linear(const Chain &chain)
    {
        Value &value = values_[chain.end];
        value.vector = &out_.vectors.emplace_back();
        const Value &source = values_[chain.source];
        auto &made = stage<LinearStage>(start(chain), chain.slope, *source.vector, *value.vector);
        made.after = {source.stage};
        value.stage = &made;
    }

    void upsample(const Chain &chain, const ChainForms &forms)
    {
        const Value &source = values_[chain.source];
        UpsampleSpec spec;
        spec.name = name_of(chain);
        spec.mode = start(chain).upsampling;
        spec.source = readable(chain.source);
        spec.residual = chain.residual >= 0 ? readable(chain.residual) : nullptr;
        spec.slope = chain.slope_after;
        spec.outputs =
            results(chain, forms, spec.source->channels, {source.size.height * 2, source.size.width * 2});
        stage<UpsampleStage>(std::move(spec));
    }

    ConvSpec conv_spec(const Chain &chain) const
    {
        const Node &node = start(chain);
        ConvSpec spec;
        spec.name = spec.node = node.name;
        spec.channels = node.channels;
        spec.kernel_height = spec.kernel_width = node.kernel;
        spec.stride = node.stride;
        spec.groups = node.groups;
        spec.weights = node.weight->data;
        if (node.bias)
            spec.bias = node.bias->data;
        if (node.range)
            spec.mean = node.range->mean;
        spec.paired = precision_ == Precision::int8_paired;
        spec.moments = chain.norm >= 0;
        return spec;
    }

    const Form &input_form(const Chain &chain, const ChainForms &forms) const
    {
        const Node &node = start(chain);
        for (const auto &[form, made] : values_[chain.source].tensors)
            if (form.type == forms.compute && fits(form.border, chain, node))
                return form;
        throw Error("model-unsupported", "Nothing prepares the input of '" + node.name + "'.");
    }

    static bool fits(const Border &border, const Chain &chain, const Node &node)
    {
        if (chain.upsampled)
            return border == Border{1, 1, 1, 1, Fill::reflect_then_repeat};
        return std::array{border.left, border.right, border.top, border.bottom} ==
                   (node.padding == Padding::none ? std::array{0, 0, 0, 0} : node.pad) &&
               border.fill != Fill::reflect_then_repeat;
    }

    void convolve(const Chain &chain, const ChainForms &forms)
    {
        const Form wanted = input_form(chain, forms);
        const Value &source = values_[chain.source];
        Tensor &in = *std::find_if(source.tensors.begin(), source.tensors.end(), [&](const auto &made) {
                          return made.first == wanted;
                      })->second;
        if (chain.upsampled) {
            convolve_phases(chain, forms, in);
            return;
        }
        ConvSpec spec = conv_spec(chain);
        const Size size{(in.bordered_rows() - spec.kernel_height) / spec.stride + 1,
                        (in.bordered_width() - spec.kernel_width) / spec.stride + 1};
        if (forms.direct) {
            Tensor &out = *results(chain, forms, spec.channels, size).front();
            spec.slope = chain.slope;
            spec.tanh = chain.tanh;
            if (chain.modulate >= 0) {
                const Node &modulate = graph_.nodes[chain.modulate];
                spec.modulation = values_[modulate.inputs[1]].vector;
                spec.offset = modulate.offset;
            }
            convolution(std::move(spec), in, out).after = modulated_by(chain);
            return;
        }
        const bool of_bytes = ByteWinogradStage::suits(spec, in, size.height, size.width) ||
                              ByteConvStage::suits(spec, in) || ByteDepthwiseStage::suits(spec, in);
        Tensor &raw =
            tensor(spec.name + " raw", {raw_type(forms, of_bytes), {}, nullptr}, spec.channels, size);
        // What the pass waits for, the convolution waits for too, so that it need not keep a whole picture
        // for it; but a norm needs the whole of it anyway.
        convolution(std::move(spec), in, raw).after =
            chain.norm < 0 ? modulated_by(chain) : std::vector<const Stage *>();
        pass(chain, forms, {&raw}, size);
    }

    /// The stage that makes the factors and addends of a chain, if it has any.
    std::vector<const Stage *> modulated_by(const Chain &chain) const
    {
        if (chain.modulate < 0)
            return {};
        return {values_[graph_.nodes[chain.modulate].inputs[1]].stage};
    }

    /// The stage that does it the fastest.
    Stage &convolution(ConvSpec spec, Tensor &in, Tensor &out)
    {
        std::string name = spec.name;
        if (out.type == in.type && !spec.tanh && WinogradStage::suits(spec, in, out.height, out.width))
            return sums_up(stage<WinogradStage>(std::move(name), std::vector{std::move(spec)}, in,
                                                std::vector{&out}, cache_));
        if (ByteWinogradStage::suits(spec, in, out.height, out.width))
            return sums_up(stage<ByteWinogradStage>(std::move(name), std::vector{std::move(spec)}, in,
                                                    std::vector{&out}, cache_));
        if (ByteConvStage::suits(spec, in))
            return sums_up(stage<ByteConvStage>(std::move(spec), in, out, cache_));
        if (ByteDepthwiseStage::suits(spec, in))
            return sums_up(stage<ByteDepthwiseStage>(std::move(spec), in, out));
        return stage<ConvStage>(std::move(spec), in, out, cache_);
    }

    /// The stage adds up the moments of what it writes, if a norm reads it.
    template <typename T>
    T &sums_up(T &stage)
    {
        if (stage.convolutions().front().moments)
            moments_[stage.outputs.front()] = {&stage.moments(), &stage};
        return stage;
    }

    void convolve_phases(const Chain &chain, const ChainForms &forms, Tensor &in)
    {
        const ConvSpec whole = conv_spec(chain);
        const bool of_floats = WinogradStage::suits(whole, in, in.height, in.width);
        const bool of_bytes = ByteWinogradStage::suits(whole, in, in.height, in.width);
        const bool winograd = of_floats || of_bytes;
        std::vector<ConvSpec> specs;
        std::vector<Tensor *> raws;
        for (int row : {0, 1})
            for (int column : {0, 1}) {
                Phase phase = make_phase(whole.weights, row, column);
                ConvSpec spec = whole;
                spec.name += std::string(" phase ") + std::to_string(row) + std::to_string(column);
                spec.kernel_height = phase.height;
                spec.kernel_width = phase.width;
                spec.weights = std::move(phase.weights);
                spec.skip = row;
                spec.skip_columns = column;
                // An odd phase reads from the second column of the input on, and oneDNN insists on using all
                // columns, so it gets one more to write.
                const Border spare{0, winograd ? 0 : column, 0, 0, Fill::reflect};
                raws.push_back(&tensor(spec.name + " raw", {raw_type(forms, of_bytes), spare, nullptr},
                                       spec.channels, {in.height, in.width}));
                if (winograd)
                    specs.push_back(std::move(spec));
                else
                    stage<ConvStage>(std::move(spec), in, *raws.back(), cache_);
            }
        if (of_floats)
            sums_up(stage<WinogradStage>(whole.name, std::move(specs), in, raws, cache_));
        else if (of_bytes)
            sums_up(stage<ByteWinogradStage>(whole.name, std::move(specs), in, raws, cache_));
        pass(chain, forms, raws, {in.height * 2, in.width * 2});
    }

    /// `ours`: by a stage that writes any type. What ends in bytes alone is exact enough in bf16, which is
    /// half as much to write and to read.
    static Type raw_type(const ChainForms &forms, bool ours)
    {
        if (forms.compute != Type::u8)
            return forms.compute;
        const bool ends_in_bytes = std::all_of(forms.forms.begin(), forms.forms.end(),
                                               [](const Form &form) { return form.type == Type::u8; });
        return ours && ends_in_bytes ? Type::bf16 : costs().wide();
    }

    /// The moments of a value, and the stage that adds them up.
    struct Summed {
        const Moments *moments = nullptr;
        const Stage *by = nullptr;
    };

    /// Of a value in parts. The stage that writes them may have those of all.
    std::vector<Summed> moments_of(const std::vector<Tensor *> &parts)
    {
        if (const auto found = moments_.find(parts.front()); found != moments_.end())
            return {found->second};
        std::vector<Summed> out;
        for (Tensor *part : parts) {
            const auto &made = stage<MomentsStage>(*part);
            out.push_back({&made.moments(), &made});
        }
        return out;
    }

    /// The elementwise part of a chain as a pass of its own over `sources`.
    void pass(const Chain &chain, const ChainForms &forms, std::vector<Tensor *> sources, Size size)
    {
        ApplySpec spec;
        spec.name = name_of(chain) + (chain.pass ? "" : " pass");
        std::vector<const Stage *> after;
        if (chain.norm >= 0) {
            const Node &norm = graph_.nodes[chain.norm];
            for (const auto &[moments, by] : moments_of(sources)) {
                spec.affine.moments.push_back(moments);
                after.push_back(by);
            }
            spec.affine.gamma = norm.weight->data;
            spec.affine.beta = norm.bias->data;
            spec.affine.eps = norm.eps;
        }
        if (chain.modulate >= 0) {
            const Node &modulate = graph_.nodes[chain.modulate];
            spec.affine.modulation = values_[modulate.inputs[1]].vector;
            spec.affine.offset = modulate.offset;
            after.push_back(values_[modulate.inputs[1]].stage);
        }
        spec.slope = chain.slope;
        spec.residual = chain.residual >= 0 ? readable(chain.residual) : nullptr;
        spec.slope_after = chain.slope_after;
        const int channels = sources.front()->channels;
        spec.sources = std::move(sources);
        spec.outputs = results(chain, forms, channels, size);
        stage<ApplyStage>(std::move(spec)).after = std::move(after);
    }

    const Graph &graph_;
    Precision precision_;
    Size size_;
    const Frame &frame_;
    WeightCache &cache_;
    std::vector<Chain> chains_;
    std::vector<ChainForms> forms_;
    std::vector<Value> values_;
    std::map<const Tensor *, Summed> moments_; ///< that stages add up of what they write
    Lowered out_;
};

} // namespace

Lowered lower(const Graph &graph, Precision precision, int height, int width, const Frame &frame,
              WeightCache &cache, const Checkpoint &checkpoint)
{
    return Lowering(graph, precision, {height, width}, frame, cache).lower(checkpoint);
}

} // namespace anime::onednn
