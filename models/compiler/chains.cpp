// SPDX-License-Identifier: LGPL-2.1-or-later
// Fusion: which operations of a graph one pass over the data can do.
#include "models/compiler/chains.h"

#include "models/error.h"

#include <algorithm>

namespace anime::compiler
{

namespace
{

bool starts(Op op)
{
    return op == Op::input || op == Op::conv || op == Op::upsample || op == Op::thumbnail ||
           op == Op::spatial_mean || op == Op::linear;
}

class Finder
{
public:
    explicit Finder(const Graph &graph) : graph_(graph), uses_(graph.nodes.size(), 0)
    {
        for (const Node &node : graph.nodes)
            for (int input : node.inputs)
                ++uses_[input];
    }

    std::vector<Chain> find()
    {
        for (int n = 0; n < static_cast<int>(graph_.nodes.size()); ++n)
            visit(n);
        std::sort(chains_.begin(), chains_.end(),
                  [](const Chain &a, const Chain &b) { return a.end < b.end; });
        return std::move(chains_);
    }

private:
    Op op(int n) const { return graph_.nodes[n].op; }

    /// A legacy upsampling that only ordinary 3×3 convolutions read becomes part of each of them.
    bool folds(int n) const
    {
        if (op(n) != Op::upsample || graph_.nodes[n].upsampling != Upsampling::legacy)
            return false;
        return std::all_of(graph_.nodes.begin(), graph_.nodes.end(), [n](const Node &user) {
            if (std::find(user.inputs.begin(), user.inputs.end(), n) == user.inputs.end())
                return true;
            return user.op == Op::conv && user.kernel == 3 && user.stride == 1 && user.groups == 1 &&
                   user.padding == Padding::reflect && user.pad == std::array{1, 1, 1, 1};
        });
    }

    /// The chain that ends in `n` and may go on, because nothing else reads its value.
    Chain *open(int n)
    {
        if (uses_[n] != 1)
            return nullptr;
        const auto found =
            std::find_if(chains_.begin(), chains_.end(), [n](const Chain &chain) { return chain.end == n; });
        return found == chains_.end() ? nullptr : &*found;
    }

    [[noreturn]] static void unsupported(int n)
    {
        throw Error("model-unsupported", "The compiler can't fuse operation " + std::to_string(n) +
                                             " of the model's graph where it stands.");
    }

    void visit(int n)
    {
        const Node &node = graph_.nodes[n];
        if (starts(node.op)) {
            if (folds(n))
                return;
            if (node.op == Op::thumbnail && op(node.inputs[0]) != Op::input)
                unsupported(n);
            Chain chain;
            chain.start = n;
            chain.end = n;
            if (!node.inputs.empty())
                chain.source = node.inputs[0];
            if (node.op == Op::conv && op(chain.source) == Op::upsample && folds(chain.source)) {
                chain.upsampled = true;
                chain.source = graph_.nodes[chain.source].inputs[0];
            }
            chains_.push_back(chain);
            return;
        }
        if (node.op == Op::add) {
            add(n);
            return;
        }
        if (node.op == Op::unshuffle && op(node.inputs[0]) == Op::input) {
            Chain chain;
            chain.start = node.inputs[0];
            chain.end = n;
            chain.unshuffle = node.factor;
            chains_.push_back(chain);
            return;
        }
        Chain *chain = open(node.inputs[0]);
        if (chain && extend(*chain, n))
            return;
        Chain pass;
        pass.start = node.inputs[0];
        pass.pass = true;
        pass.source = node.inputs[0];
        if (!extend(pass, n))
            unsupported(n);
        chains_.push_back(pass);
    }

    void add(int n)
    {
        const Node &node = graph_.nodes[n];
        for (int i : {1, 0}) {
            Chain *chain = open(node.inputs[i]);
            const bool tensor = chain && !chain->tanh && chain->shuffle == 1 && op(chain->start) != Op::input;
            if (tensor && chain->residual < 0) {
                chain->residual = node.inputs[1 - i];
                chain->end = n;
                return;
            }
        }
        Chain pass;
        pass.start = pass.source = node.inputs[0];
        pass.pass = true;
        pass.residual = node.inputs[1];
        pass.end = n;
        chains_.push_back(pass);
    }

    bool extend(Chain &chain, int n)
    {
        const Node &node = graph_.nodes[n];
        const bool is_input = !chain.pass && op(chain.start) == Op::input;
        const bool is_conv = !chain.pass && op(chain.start) == Op::conv;
        const bool plain = chain.norm < 0 && chain.modulate < 0 && !chain.slope && chain.residual < 0 &&
                           !chain.tanh && chain.shuffle == 1 && chain.unshuffle == 1;
        const bool elementwise = chain.pass || is_conv;
        switch (node.op) {
        case Op::norm:
            if (!elementwise || !plain)
                return false;
            chain.norm = n;
            break;
        case Op::modulate:
            if (!elementwise || !plain)
                return false;
            chain.modulate = n;
            break;
        case Op::activation:
            if (is_input || chain.tanh || chain.shuffle > 1 || chain.slope_after)
                return false;
            if (chain.residual >= 0)
                chain.slope_after = node.slope;
            else if (!chain.slope && (chain.pass || op(chain.start) != Op::upsample))
                chain.slope = node.slope;
            else
                return false;
            break;
        case Op::tanh:
            if (!is_conv || !plain || chain.upsampled || n + 1 != static_cast<int>(graph_.nodes.size()))
                return false;
            chain.tanh = true;
            break;
        case Op::shuffle:
            if (!is_conv || !plain)
                return false;
            chain.shuffle = node.factor;
            break;
        case Op::clamp:
            // Writing bytes clamps.
            if (n + 1 != static_cast<int>(graph_.nodes.size()))
                return false;
            break;
        default:
            return false;
        }
        chain.end = n;
        return true;
    }

    const Graph &graph_;
    std::vector<int> uses_;
    std::vector<Chain> chains_;
};

} // namespace

std::vector<Chain> find_chains(const Graph &graph)
{
    return Finder(graph).find();
}

} // namespace anime::compiler
