// SPDX-License-Identifier: LGPL-2.1-or-later
// Chooses types, borders and quantisation.
#include "models/compiler/forms.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace anime::compiler
{

namespace
{

/// Of the range of values that a channel's 8 bits cover.
constexpr float smallest_range = 1e-6F;

Quant per_channel(const InputRange &range)
{
    Quant out;
    for (std::size_t c = 0; c < range.lo.size(); ++c) {
        const float lo = std::min(range.lo[c], 0.0F);
        const float scale = std::max(range.hi[c] - lo, smallest_range) / 255.0F;
        out.scale.push_back(scale);
        out.zero.push_back(std::nearbyint(-lo / scale));
    }
    return out;
}

/// The convolution that writes the value can add one zero only. A leaky activation leaves little below zero,
/// so the loss is small: the zero is the one that wastes the least of all channels' ranges.
Quant common_zero(const InputRange &range)
{
    Quant best;
    double best_cost = 0;
    for (int zero = 0; zero <= 255; ++zero) {
        Quant tried;
        double cost = 0;
        for (std::size_t c = 0; c < range.lo.size(); ++c) {
            const float below = std::max(-range.lo[c], 0.0F);
            const float above = std::max(range.hi[c], smallest_range);
            float scale = smallest_range;
            if (zero < 255)
                scale = std::max(scale, above / static_cast<float>(255 - zero));
            if (zero > 0)
                scale = std::max(scale, below / static_cast<float>(zero));
            if ((zero == 255 && above > smallest_range) || (zero == 0 && below > 0))
                scale = std::max(scale, (above + below) / 16.0F);
            cost += std::pow(scale / (above + below), 2.0);
            tried.scale.push_back(scale);
            tried.zero.push_back(static_cast<float>(zero));
        }
        if (best.scale.empty() || cost < best_cost) {
            best = std::move(tried);
            best_cost = cost;
        }
    }
    return best;
}

class Chooser
{
public:
    Chooser(const Graph &graph, const std::vector<Chain> &chains, Precision precision, const Costs &costs)
        : graph_(graph), chains_(chains), precision_(precision), costs_(costs), out_(chains.size())
    {
    }

    std::vector<ChainForms> choose()
    {
        for (std::size_t i = 0; i < chains_.size(); ++i)
            classify(i);
        for (std::size_t i = 0; i < chains_.size(); ++i)
            require(i);
        for (std::size_t i = 0; i < chains_.size(); ++i)
            settle(i);
        return std::move(out_);
    }

private:
    Op op(const Chain &chain) const { return graph_.nodes[chain.start].op; }
    bool is_conv(const Chain &chain) const { return !chain.pass && op(chain) == Op::conv; }

    std::size_t chain_of(int value) const
    {
        return std::find_if(chains_.begin(), chains_.end(),
                            [value](const Chain &c) { return c.end == value; }) -
               chains_.begin();
    }

    void classify(std::size_t i)
    {
        const Chain &chain = chains_[i];
        ChainForms &forms = out_[i];
        const bool from_global = chain.source >= 0 && out_[chain_of(chain.source)].global;
        forms.global = op(chain) == Op::thumbnail || from_global;
        forms.vector = op(chain) == Op::spatial_mean || op(chain) == Op::linear;
        forms.last = chain.end + 1 == static_cast<int>(graph_.nodes.size());
        if (!is_conv(chain))
            return;
        const Node &node = graph_.nodes[chain.start];
        const bool wide_is_faster = in_bytes(precision_) && costs_.wide_beats_bytes(node) && chain.norm >= 0;
        if (forms.global || precision_ == Precision::f32)
            forms.compute = Type::f32;
        else if (wide_is_faster)
            forms.compute = costs_.wide_input();
        else if (in_bytes(precision_) && (node.range || reads_picture(chain)) && !chain.tanh)
            forms.compute = Type::u8;
        else
            forms.compute = wide();
        // A convolution whose output is quantised by itself has to be alone between the two.
        const bool elementwise = chain.modulate >= 0 || chain.slope;
        const bool plain =
            chain.norm < 0 && chain.residual < 0 && (!elementwise || costs_.fuses_elementwise());
        forms.direct = plain && !chain.upsampled;
    }

    Type wide() const
    {
        return precision_ == Precision::f32    ? Type::f32
               : precision_ == Precision::bf16 ? Type::bf16
                                               : costs_.wide();
    }

    bool reads_picture(const Chain &chain) const
    {
        const Chain &source = chains_[chain_of(chain.source)];
        return !source.pass && op(source) == Op::input;
    }

    void need(int value, Form form)
    {
        auto &forms = out_[chain_of(value)].forms;
        if (std::find(forms.begin(), forms.end(), form) == forms.end())
            forms.push_back(std::move(form));
    }

    /// What chain `i` reads through a convolution.
    void require(std::size_t i)
    {
        const Chain &chain = chains_[i];
        if (!is_conv(chain))
            return;
        const Node &node = graph_.nodes[chain.start];
        const std::size_t source = chain_of(chain.source);
        Form form;
        form.type = out_[i].compute;
        if (chain.upsampled)
            form.border = {1, 1, 1, 1, Fill::reflect_then_repeat};
        else if (node.padding != Padding::none)
            form.border = {node.pad[0], node.pad[1], node.pad[2], node.pad[3], Fill::reflect};
        if (form.type == Type::u8) {
            const bool quantised_by_conv = out_[source].direct && out_[source].compute == Type::u8;
            form.quant = std::make_shared<Quant>(
                reads_picture(chain) ? picture_quant(static_cast<int>(node.weight->shape[1]) * node.groups)
                : quantised_by_conv  ? common_zero(*node.range)
                                     : per_channel(*node.range));
        }
        need(chain.source, std::move(form));
    }

    /// Readers that are no convolutions take any form there is; where there is none, or where the value is a
    /// sum that goes on to be summed, they get one without border.
    void settle(std::size_t i)
    {
        ChainForms &forms = out_[i];
        const Chain &chain = chains_[i];
        bool read_as_float = false;
        bool read_exactly = false;
        for (std::size_t k = i + 1; k < chains_.size(); ++k) {
            const Chain &reader = chains_[k];
            const bool plain_source =
                !is_conv(reader) && op(reader) != Op::thumbnail && reader.source == chain.end;
            read_as_float |= plain_source || reader.residual == chain.end;
            read_exactly |= reader.norm >= 0 && plain_source;
            read_exactly |= out_[k].vector && plain_source;
        }
        const Form wide{forms.global ? Type::f32 : this->wide(), {}, nullptr};
        const bool convenient = forms.direct && is_conv(chain) && forms.forms.size() == 1 && !read_exactly;
        if (read_as_float && !convenient &&
            std::find(forms.forms.begin(), forms.forms.end(), wide) == forms.forms.end())
            forms.forms.insert(forms.forms.begin(), wide);
        if (forms.last) {
            const bool bytes = forms.compute == Type::u8 && !chain.tanh && forms.direct;
            forms.forms = {bytes ? Form{Type::u8, {}, std::make_shared<Quant>(picture_quant(channels(chain)))}
                                 : Form{Type::f32, {}, nullptr}};
        }
        const bool types_fit = forms.forms.size() == 1 &&
                               (forms.forms[0].type == Type::f32 || forms.forms[0].type == forms.compute ||
                                (forms.forms[0].type == Type::bf16 && forms.compute == Type::u8));
        const bool wants_pass = forms.forms.size() == 1 && forms.forms[0].type == Type::u8 && !forms.last &&
                                !uniform(forms.forms[0].quant->zero);
        forms.direct = forms.direct && types_fit && !wants_pass;
    }

    static bool uniform(const std::vector<float> &zero)
    {
        return std::all_of(zero.begin(), zero.end(), [&](float z) { return z == zero[0]; });
    }

    int channels(const Chain &chain) const { return graph_.nodes[chain.start].channels; }

    const Graph &graph_;
    const std::vector<Chain> &chains_;
    Precision precision_;
    const Costs &costs_;
    std::vector<ChainForms> out_;
};

} // namespace

Quant picture_quant(int channels)
{
    return {std::vector<float>(channels, 1.0F / 127.5F), std::vector<float>(channels, 127.5F)};
}

std::vector<ChainForms> choose_forms(const Graph &graph, const std::vector<Chain> &chains,
                                     Precision precision, const Costs &costs)
{
    return Chooser(graph, chains, precision, costs).choose();
}

} // namespace anime::compiler
