// SPDX-License-Identifier: LGPL-2.1-or-later
// Pictures in float from both executors and from the reference interpreter.
#include "tests/models/float_pictures.h"

#include "models/executors/onednn/plan.h"
#include "models/executors/onednn/stages/pixel_runs.h"
#include "models/executors/torch/module.h"
#include "models/padding.h"

#include <algorithm>
#include <cmath>

namespace anime::test
{

namespace
{

Planes cropped(const Planes &from, int height, int width)
{
    Planes out(3, height, width);
    for (int c = 0; c < 3; ++c)
        for (int y = 0; y < height; ++y)
            std::copy_n(from.data.data() + from.index(c, y, 0), width, out.data.data() + out.index(c, y, 0));
    return out;
}

} // namespace

Planes padded_planes(const Graph &graph, const ConstImage &picture)
{
    Planes out(3, padded_side(picture.height, graph.multiple, graph.minimum),
               padded_side(picture.width, graph.multiple, graph.minimum));
    for (int c = 0; c < 3; ++c)
        for (int y = 0; y < out.height; ++y)
            for (int x = 0; x < out.width; ++x)
                out.at(c, y, x) =
                    picture.at(mirrored(x, picture.width), mirrored(y, picture.height))[c] / 127.5F - 1.0F;
    return out;
}

Planes paint_onednn(const Graph &graph, onednn::Precision precision, const ConstImage &picture)
{
    Planes out(3, padded_side(picture.height, graph.multiple, graph.minimum),
               padded_side(picture.width, graph.multiple, graph.minimum));
    std::vector<std::uint8_t> bytes(static_cast<std::size_t>(picture.width) * picture.height * 3);
    onednn::WeightCache cache;
    onednn::Plan plan(graph, precision, picture.width, picture.height, cache);
    plan.watch(picture, {bytes.data(), picture.width, picture.height, picture.width * 3L, 3},
               [&](const std::string &conv, const onednn::Tensor &tensor, onednn::Rows rows) {
                   if (conv != "output")
                       return;
                   const onednn::Reader reader(tensor);
                   const int factor = out.width / tensor.width;
                   std::vector<float> pixel(tensor.channels);
                   for (int y = rows.begin; y < rows.end; ++y)
                       for (int x = 0; x < tensor.width; ++x) {
                           reader.read(x, y, 1, pixel.data());
                           for (int i = 0; i < tensor.channels; ++i) {
                               const int place = i % (factor * factor);
                               out.at(i / (factor * factor), y * factor + place / factor,
                                      x * factor + place % factor) = std::clamp(pixel[i], -1.0F, 1.0F);
                           }
                       }
               });
    return cropped(out, picture.height, picture.width);
}

Planes paint_torch(const Graph &graph, const ConstImage &picture, unsigned threads)
{
    const AnimeTorchApi &torch = torch_module();
    const Planes in = padded_planes(graph, picture);
    Planes out(3, in.height, in.width);
    AnimeTorchNetwork *network = nullptr;
    AnimeTorchError error{};
    const std::atomic<bool> never = false;
    std::size_t bytes = 0;
    if (!torch.open_graph(&graph, "cpu", "f32", threads, &network, &error))
        throw_torch_error(error);
    const bool painted =
        torch.run(network, in.data.data(), out.data.data(), in.width, in.height, &never, &bytes, &error);
    torch.close(network);
    if (!painted)
        throw_torch_error(error);
    return cropped(out, picture.height, picture.width);
}

Planes paint_reference(const Graph &graph, const ConstImage &picture)
{
    Planes out = cropped(run_reference(graph, padded_planes(graph, picture)), picture.height, picture.width);
    for (float &v : out.data)
        v = std::clamp(v, -1.0F, 1.0F);
    return out;
}

double psnr(const Planes &a, const Planes &b)
{
    double squares = 0;
    for (std::size_t i = 0; i < a.data.size(); ++i)
        squares += std::pow(static_cast<double>(a.data[i]) - b.data[i], 2.0);
    return 10 * std::log10(4.0 * static_cast<double>(a.data.size()) / squares);
}

} // namespace anime::test
