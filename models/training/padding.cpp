// SPDX-License-Identifier: LGPL-2.1-or-later
// Reflect padding for every precision.
#include "models/training/padding.h"

#include <torch/csrc/autograd/custom_function.h>

namespace anime::training
{
namespace
{

/// Built from slices it would differentiate into a zero-filled copy of the whole picture for each row.
struct Reflect : torch::autograd::Function<Reflect> {
    static at::Tensor forward(torch::autograd::AutogradContext *context, const at::Tensor &x, int64_t before,
                              int64_t after)
    {
        context->saved_data["before"] = before;
        context->saved_data["after"] = after;
        const int64_t rows = x.size(2);
        const int64_t columns = x.size(3);
        at::Tensor y = at::empty({x.size(0), x.size(1), rows + before + after, columns + before + after},
                                 x.options(), at::MemoryFormat::ChannelsLast);
        y.narrow(2, before, rows).narrow(3, before, columns).copy_(x);
        const at::Tensor band = y.narrow(3, before, columns);
        for (int64_t i = 1; i <= before; ++i) {
            band.select(2, before - i).copy_(band.select(2, before + i));
        }
        for (int64_t i = 1; i <= after; ++i) {
            band.select(2, before + rows - 1 + i).copy_(band.select(2, before + rows - 1 - i));
        }
        for (int64_t i = 1; i <= before; ++i) {
            y.select(3, before - i).copy_(y.select(3, before + i));
        }
        for (int64_t i = 1; i <= after; ++i) {
            y.select(3, before + columns - 1 + i).copy_(y.select(3, before + columns - 1 - i));
        }
        return y;
    }

    static torch::autograd::variable_list backward(torch::autograd::AutogradContext *context,
                                                   torch::autograd::variable_list gradients)
    {
        const int64_t before = context->saved_data["before"].toInt();
        const int64_t after = context->saved_data["after"].toInt();
        const at::Tensor &g = gradients[0];
        const int64_t rows = g.size(2) - before - after;
        const int64_t columns = g.size(3) - before - after;
        at::Tensor result =
            g.narrow(2, before, rows).narrow(3, before, columns).clone(at::MemoryFormat::ChannelsLast);
        // A row beyond the edge adds to the row that it mirrors, its own corners folded in first.
        const auto fold = [&](const at::Tensor &row, const at::Tensor &into) {
            into.add_(row.narrow(2, before, columns));
            for (int64_t i = 1; i <= before; ++i) {
                into.select(2, i).add_(row.select(2, before - i));
            }
            for (int64_t i = 1; i <= after; ++i) {
                into.select(2, columns - 1 - i).add_(row.select(2, before + columns - 1 + i));
            }
        };
        const at::Tensor middle = g.narrow(2, before, rows);
        for (int64_t i = 1; i <= before; ++i) {
            result.select(3, i).add_(middle.select(3, before - i));
            fold(g.select(2, before - i), result.select(2, i));
        }
        for (int64_t i = 1; i <= after; ++i) {
            result.select(3, columns - 1 - i).add_(middle.select(3, before + columns - 1 + i));
            fold(g.select(2, before + rows - 1 + i), result.select(2, rows - 1 - i));
        }
        return {result, at::Tensor(), at::Tensor()};
    }
};

} // namespace

at::Tensor reflect(const at::Tensor &x, int64_t before, int64_t after)
{
    return Reflect::apply(x, before, after);
}

} // namespace anime::training
