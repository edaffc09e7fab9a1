// SPDX-License-Identifier: LGPL-2.1-or-later
// Chooses roles: first what each chain is, then what its readers want of it.
#include "plugins/torch/cuda/readers.h"

#include "models/error.h"
#include "plugins/torch/cuda/arithmetic.h"

#include <algorithm>

namespace anime::cuda
{

using compiler::Border;
using compiler::Chain;
using compiler::Fill;

namespace
{

constexpr int padded_channels(int channels)
{
    return (channels + group - 1) / group * group;
}

[[noreturn]] void unsupported(const Node &node)
{
    throw Error("model-unsupported",
                "The torch executor can't run '" + node.name + "' on a GPU where it stands.",
                "Use device=cpu.");
}

class Chooser
{
public:
    Chooser(const Graph &graph, const std::vector<Chain> &chains)
        : graph_(graph), chains_(chains), roles_(chains.size()), divisors_(graph.nodes.size(), 1)
    {
    }

    std::vector<Role> choose()
    {
        measure();
        for (std::size_t i = 0; i < chains_.size(); ++i)
            classify(i);
        for (std::size_t i = 0; i < chains_.size(); ++i)
            roles_[i].lazy = is_lazy(i);
        for (std::size_t i = 0; i < chains_.size(); ++i)
            shape(i);
        for (std::size_t i = 0; i < chains_.size(); ++i)
            require(i);
        for (std::size_t i = 0; i < chains_.size(); ++i)
            settle(i);
        return std::move(roles_);
    }

private:
    using Kind = Role::Kind;

    const Node &start(std::size_t i) const { return graph_.nodes[chains_[i].start]; }
    Role &source_of(std::size_t i) { return roles_[chain_of(chains_, chains_[i].source)]; }
    int source_channels(std::size_t i) const { return graph_.nodes[chains_[i].source].channels; }

    /// By how much smaller than the picture each value is. Inside the global branch it means nothing.
    void measure()
    {
        for (std::size_t n = 0; n < graph_.nodes.size(); ++n) {
            const Node &node = graph_.nodes[n];
            int divisor = node.inputs.empty() ? 1 : divisors_[node.inputs[0]];
            if (node.op == Op::conv)
                divisor *= node.stride;
            else if (node.op == Op::unshuffle)
                divisor *= node.factor;
            else if (node.op == Op::shuffle)
                divisor /= node.factor;
            else if (node.op == Op::upsample)
                divisor /= 2;
            divisors_[n] = divisor;
        }
    }

    static bool is_depthwise(const Node &node)
    {
        return node.groups == node.channels && node.weight->shape[1] == 1 && node.kernel == 3 &&
               node.stride == 1 && node.padding == Padding::reflect && node.pad == std::array{1, 1, 1, 1} &&
               node.channels % group == 0;
    }

    static bool is_bare(const Chain &chain)
    {
        return chain.norm < 0 && chain.modulate < 0 && !chain.slope && chain.residual < 0 &&
               chain.shuffle == 1 && !chain.upsampled;
    }

    void classify(std::size_t i)
    {
        const Chain &chain = chains_[i];
        const Node &node = start(i);
        Role &role = roles_[i];
        role.ends = chain.end + 1 == static_cast<int>(graph_.nodes.size());
        const bool from_global = chain.source >= 0 && source_of(i).kind == Kind::global;
        if (node.op == Op::thumbnail || from_global) {
            role.kind = Kind::global;
            const bool plain = chain.norm < 0 && chain.modulate < 0 && chain.residual < 0 && !chain.pass &&
                               !chain.upsampled && node.groups == 1 && !role.ends;
            if (!plain || (node.op == Op::conv && node.padding == Padding::none && node.kernel > 1))
                unsupported(node);
        } else if (chain.pass) {
            role.kind = Kind::pass;
        } else if (node.op == Op::input) {
            role.kind = Kind::read;
        } else if (node.op == Op::upsample) {
            role.kind = Kind::upsample;
        } else if (node.op != Op::conv) {
            unsupported(node);
        } else if (chain.upsampled) {
            role.kind = Kind::phases;
        } else if (is_depthwise(node)) {
            role.kind = Kind::depthwise;
        } else if (role.ends && is_bare(chain) && node.kernel == 1 && node.stride == 1 && node.groups == 1) {
            role.kind = Kind::last;
        } else {
            role.kind = Kind::conv;
        }
        const bool by_cudnn = role.kind == Kind::conv || role.kind == Kind::phases;
        const bool written = by_cudnn || role.kind == Kind::last;
        if ((by_cudnn && node.groups != 1) || (role.ends && (!written || chain.residual >= 0)))
            unsupported(node);
    }

    /// Whether one step does scale, shift and activation of chain `i` while it reads the value for its own
    /// work.
    bool is_lazy(std::size_t i) const
    {
        const Chain &chain = chains_[i];
        const Kind kind = roles_[i].kind;
        if ((kind != Kind::conv && kind != Kind::depthwise) || chain.residual >= 0 || roles_[i].ends)
            return false;
        int readers = 0;
        bool does_it = false;
        for (std::size_t k = i + 1; k < chains_.size(); ++k) {
            readers += (chains_[k].source == chain.end) + (chains_[k].residual == chain.end);
            if (chains_[k].source == chain.end)
                does_it = roles_[k].kind == Kind::depthwise || roles_[k].kind == Kind::last;
        }
        return readers == 1 && does_it;
    }

    /// Few channels leave the matrix units idle; the pixels of a row make up for it where its width, which is
    /// a multiple of Graph::multiple, divides. Measured for the 7×7 layers of AnimeGANv2
    /// (docs/performance.md).
    int fold_of(std::size_t i) const
    {
        const Node &node = start(i);
        const bool whole = divisors_[chains_[i].source] == 1 && graph_.multiple % 4 == 0;
        if (!whole || node.stride != 1 || node.kernel < 5 || node.channels > 32)
            return 1;
        return source_channels(i) <= 4 ? 4 : 2;
    }

    void shape(std::size_t i)
    {
        const Node &node = start(i);
        Role &role = roles_[i];
        const bool convolves = node.op == Op::conv && !chains_[i].pass;
        role.channels = padded_channels(convolves ? node.channels : graph_.nodes[chains_[i].end].channels);
        if (role.kind == Kind::phases) {
            role.shape = {padded_channels(source_channels(i)), role.channels, 3, 3, 1};
        } else if (role.kind == Kind::conv) {
            const int fold = fold_of(i);
            role.shape = {padded_channels(source_channels(i)), padded_channels(node.channels), node.kernel,
                          (node.kernel + 2 * fold - 2) / fold, fold};
        }
    }

    void need(std::size_t i, const Border &border)
    {
        auto &borders = roles_[chain_of(chains_, chains_[i].source)].borders;
        if (std::find(borders.begin(), borders.end(), border) == borders.end())
            borders.push_back(border);
    }

    /// What chain `i` wants of the value that it starts from.
    void require(std::size_t i)
    {
        const Node &node = start(i);
        Role &role = roles_[i];
        const bool lazy = chains_[i].source >= 0 && source_of(i).lazy;
        switch (role.kind) {
        case Kind::phases:
            need(i, {1, 1, 1, 1, Fill::reflect_then_repeat});
            break;
        case Kind::conv:
            need(i, border_of(node, role.shape));
            break;
        case Kind::depthwise:
        case Kind::last:
            if (!lazy)
                need(i, {});
            break;
        default:
            break;
        }
    }

    /// Readers that take any border: sums, upsamplings, passes. And the picture's channels, four where they
    /// are folded.
    void settle(std::size_t i)
    {
        const Chain &chain = chains_[i];
        Role &role = roles_[i];
        bool all_fold = role.kind == Kind::read && chain.unshuffle == 1;
        for (std::size_t k = i + 1; k < chains_.size(); ++k) {
            const bool reads = chains_[k].source == chain.end && roles_[k].kind != Kind::global;
            const bool freely = reads && (roles_[k].kind == Kind::pass || roles_[k].kind == Kind::upsample);
            if ((freely || chains_[k].residual == chain.end) && role.borders.empty())
                role.borders.push_back({});
            all_fold = all_fold && (!reads || roles_[k].shape.fold == 4) && chains_[k].residual != chain.end;
        }
        if (!all_fold)
            return;
        role.channels = 4;
        for (std::size_t k = i + 1; k < chains_.size(); ++k)
            if (chains_[k].source == chain.end && roles_[k].kind == Kind::conv)
                roles_[k].shape.in_channels = 4;
    }

    const Graph &graph_;
    const std::vector<Chain> &chains_;
    std::vector<Role> roles_;
    std::vector<int> divisors_; ///< by node
};

} // namespace

std::size_t chain_of(const std::vector<Chain> &chains, int value)
{
    return std::find_if(chains.begin(), chains.end(), [value](const Chain &c) { return c.end == value; }) -
           chains.begin();
}

Border border_of(const Node &node, const PackedShape &shape)
{
    Border border;
    if (node.padding == Padding::reflect)
        border = {node.pad[0], node.pad[1], node.pad[2], node.pad[3], Fill::reflect};
    // The last folded pixels of a row read more columns than the kernel has taps.
    border.right += shape.fold * (shape.kernel_width - 1) + 1 - node.kernel;
    return border;
}

std::vector<Role> choose_roles(const Graph &graph, const std::vector<Chain> &chains)
{
    return Chooser(graph, chains).choose();
}

} // namespace anime::cuda
