// SPDX-License-Identifier: LGPL-2.1-or-later
// anime-calibrate MODEL OUT.safetensors PHOTO…: measures the ranges that 8-bit arithmetic needs, and how
// close int8 and bf16 come to f32 with them, and writes a model file that says so.
#include "models/error.h"
#include "models/executors/onednn/calibration.h"
#include "models/executors/onednn/kernels/isa.h"
#include "models/model.h"
#include "models/weights/safetensors.h"

#include <vips/vips8>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <iterator>

namespace
{

using namespace anime;

/// Every second photo measures the ranges, the others the fidelity.
struct Photos {
    std::vector<std::vector<std::uint8_t>> bytes;
    std::vector<ConstImage> ranges;
    std::vector<ConstImage> fidelity;
};

Photos read_photos(char **begin, char **end)
{
    Photos out;
    std::vector<ConstImage> all;
    for (char **path = begin; path != end; ++path) {
        const auto image =
            vips::VImage::thumbnail(*path, 512, vips::VImage::option()->set("size", VIPS_SIZE_DOWN))
                .colourspace(VIPS_INTERPRETATION_sRGB)
                .extract_band(0, vips::VImage::option()->set("n", 3))
                .cast(VIPS_FORMAT_UCHAR);
        std::size_t size = 0;
        auto *data = static_cast<std::uint8_t *>(image.write_to_memory(&size));
        out.bytes.emplace_back(data, data + size);
        g_free(data);
        all.push_back({out.bytes.back().data(), image.width(), image.height(), image.width() * 3L, 3});
    }
    for (std::size_t i = 0; i < all.size(); ++i)
        (i % 2 == 0 || all.size() == 1 ? out.ranges : out.fidelity).push_back(all[i]);
    if (out.fidelity.empty())
        out.fidelity = out.ranges;
    return out;
}

WeightPtr values(const std::string &name, const std::vector<float> &data)
{
    return std::make_shared<Weight>(Weight{name, {static_cast<std::int64_t>(data.size())}, data});
}

Safetensors contents(const Model &model, const Graph &graph)
{
    Safetensors out;
    out.metadata = model.metadata;
    // Measured with other ranges; this CPU may be unable to measure them anew.
    std::erase_if(out.metadata, [](const auto &entry) { return entry.first.starts_with("fidelity."); });
    out.metadata["architecture"] = model.architecture;
    out.metadata["name"] = model.name;
    out.metadata["licence"] = model.licence;
    if (!model.description.empty())
        out.metadata["description"] = model.description;
    out.metadata["face_size"] = std::to_string(model.face_size);
    for (const Node &node : graph.nodes) {
        for (const WeightPtr &weight : {node.weight, node.bias})
            if (weight)
                out.tensors[weight->name] = weight;
        if (node.op == Op::upsample)
            out.metadata["upsampling"] = to_string(node.upsampling);
        if (node.range) {
            out.tensors[node.name + ".input_lo"] = values(node.name + ".input_lo", node.range->lo);
            out.tensors[node.name + ".input_hi"] = values(node.name + ".input_hi", node.range->hi);
            out.tensors[node.name + ".input_mean"] = values(node.name + ".input_mean", node.range->mean);
        }
    }
    return out;
}

int calibrate(int count, char **arguments)
{
    const auto model = load_model(arguments[1]);
    const Photos photos = read_photos(arguments + 3, arguments + count);
    const Graph graph =
        onednn::with_ranges(model->graph, onednn::measure_ranges(model->graph, photos.ranges));
    Safetensors file = contents(*model, graph);
    using compiler::Precision;
    for (const auto &[precision, can] : {std::pair{Precision::int8, onednn::isa().vnni},
                                         std::pair{Precision::int8_paired, onednn::isa().avx2},
                                         std::pair{Precision::bf16, onednn::isa().bf16}}) {
        if (!can) {
            std::printf("%s: not measured, this CPU (%s) can't do it\n", to_string(precision),
                        onednn::isa().name.c_str());
            continue;
        }
        char text[32];
        std::snprintf(text, sizeof text, "%.1f", onednn::measure_fidelity(graph, precision, photos.fidelity));
        std::printf("%s: %s dB against f32 on %zu photos\n", to_string(precision), text,
                    photos.fidelity.size());
        file.metadata[std::string("fidelity.") + to_string(precision)] = text;
    }
    write_safetensors(arguments[2], file);
    return 0;
}

} // namespace

int main(int count, char **arguments)
{
    if (count < 4) {
        std::fprintf(stderr,
                     "usage: anime-calibrate MODEL OUT.safetensors PHOTO...\n"
                     "MODEL is a name of the catalogue or a path. A dozen different photos are enough.\n");
        return 2;
    }
    if (VIPS_INIT(arguments[0]) != 0)
        return 1;
    try {
        return calibrate(count, arguments);
    } catch (const anime::Error &error) {
        std::fprintf(stderr, "anime-calibrate: %s %s\n", error.what(), error.remedy().c_str());
    } catch (const std::exception &error) {
        std::fprintf(stderr, "anime-calibrate: %s\n", error.what());
    }
    return 1;
}
