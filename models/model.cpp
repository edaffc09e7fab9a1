// SPDX-License-Identifier: LGPL-2.1-or-later
// Loads models: finds the weights, validates them, builds the graph, shares what is in use.
#include "models/model.h"

#include "models/error.h"
#include "models/graph/architectures.h"
#include "models/weights/catalogue.h"
#include "models/weights/locate.h"
#include "models/weights/mapped_file.h"
#include "models/weights/safetensors.h"
#include "models/weights/state_dict.h"

#include <sys/stat.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <mutex>
#include <optional>
#include <span>

namespace anime
{

namespace
{

constexpr int smallest_face = 16;
constexpr int largest_face = 4096;
constexpr std::string_view fidelity_prefix = "fidelity.";

[[noreturn]] void invalid_metadata(const std::string &model, const std::string &key,
                                   const std::string &wanted)
{
    throw Error("model-invalid", "The metadata '" + key + "' of the model '" + model + "' " + wanted + ".",
                "Convert or download the model again.");
}

template <typename Number>
Number parse_number(const std::string &model, const std::string &key, const std::string &text, Number least,
                    Number most)
{
    Number value{};
    const char *end = text.data() + text.size();
    const auto [stop, failure] = std::from_chars(text.data(), end, value);
    if (failure != std::errc{} || stop != end || !(value >= least && value <= most))
        invalid_metadata(model, key,
                         "has to be a number from " + std::to_string(least) + " to " + std::to_string(most));
    return value;
}

bool is_calibrated(const Graph &graph)
{
    return std::all_of(graph.nodes.begin(), graph.nodes.end(),
                       [](const Node &node) { return node.op != Op::conv || node.range; });
}

/// A state dict says neither what it is nor how it upsamples. Those of the catalogue are recognised; others
/// are taken for what the PyTorch port trains: animeganv2 with align_corners=True, its forward()'s default.
Model from_state_dict(const ModelSource &source, std::span<const std::byte> bytes)
{
    const CatalogueEntry *known = identify(bytes);
    if (source.entry && source.entry != known)
        throw Error("model-invalid",
                    "'" + source.path.string() + "' is not the checkpoint '" + source.name +
                        "' of the catalogue: its checksum differs.",
                    "Delete it and run models/fetch " + source.name + " again.");
    Model model;
    model.name = known ? known->name : source.name;
    model.licence = known ? known->licence : "unknown";
    model.description = known ? known->description : "";
    model.architecture = known ? known->architecture : "animeganv2";
    if (known) {
        model.face_size = known->face_size;
        model.fidelity = known->fidelity;
    }
    const Upsampling upsampling = known ? known->upsampling : Upsampling::align_corners;
    model.graph = build_graph(model.architecture, read_state_dict(bytes, source.path.string()), upsampling);
    return model;
}

Model read_model(const ModelSource &source, std::span<const std::byte> bytes)
{
    const std::string named = source.path.empty() ? source.name : source.path.string();
    Model model = source.kind == ModelSource::Kind::torch
                      ? from_state_dict(source, bytes)
                      : make_model(parse_safetensors(bytes, named), source.name);
    model.path = source.path;
    model.digest = sha256(bytes);
    return model;
}

std::string identity(const ModelSource &source)
{
    if (source.path.empty())
        return source.name;
    struct stat found = {};
    if (stat(source.path.c_str(), &found) != 0)
        return source.path.string();
    return std::to_string(found.st_dev) + ":" + std::to_string(found.st_ino) + ":" +
           std::to_string(found.st_size) + ":" + std::to_string(found.st_mtim.tv_sec) + "." +
           std::to_string(found.st_mtim.tv_nsec);
}

} // namespace

Model make_model(const Safetensors &file, const std::string &fallback_name)
{
    Model model;
    model.metadata = file.metadata;
    const auto text = [&](const std::string &key, const std::string &otherwise) {
        const auto found = model.metadata.find(key);
        return found == model.metadata.end() ? otherwise : found->second;
    };
    for (const char *quoted : {"name", "architecture"}) // in error messages
        if (text(quoted, "").size() > max_name_bytes)
            invalid_metadata(fallback_name, quoted,
                             "is longer than " + std::to_string(max_name_bytes) + " bytes");
    model.name = text("name", fallback_name);
    model.licence = text("licence", "unknown");
    model.description = text("description", "");
    model.architecture = text("architecture", "");
    if (model.architecture.empty())
        invalid_metadata(model.name, "architecture", "is missing");

    std::optional<Upsampling> upsampling;
    if (const std::string name = text("upsampling", ""); !name.empty()) {
        upsampling = parse_upsampling(name);
        if (!upsampling)
            invalid_metadata(model.name, "upsampling", "has to be legacy, align-corners or half-pixel");
    }
    if (const std::string size = text("face_size", ""); !size.empty())
        model.face_size = parse_number(model.name, "face_size", size, smallest_face, largest_face);
    if (const std::string tone = text("tone", ""); !tone.empty()) {
        if (tone != "graded")
            invalid_metadata(model.name, "tone", "has to be graded, or left out");
        model.graded = true;
    }
    for (const auto &[key, value] : model.metadata)
        if (key.starts_with(fidelity_prefix))
            model.fidelity[key.substr(fidelity_prefix.size())] =
                parse_number(model.name, key, value, 0.0, 200.0);

    model.graph = build_graph(model.architecture, file.tensors, upsampling);
    model.calibrated = is_calibrated(model.graph);
    return model;
}

std::string model_identity(const std::string &name_or_path)
{
    return identity(locate_model(name_or_path));
}

std::shared_ptr<const Model> load_model(const std::string &name_or_path)
{
    // Held while loading, so that a model that two threads ask for is read once.
    static std::mutex mutex;
    static std::map<std::string, std::weak_ptr<const Model>> in_use;

    const ModelSource source = locate_model(name_or_path);
    const std::lock_guard lock(mutex);
    std::erase_if(in_use, [](const auto &entry) { return entry.second.expired(); });
    auto &slot = in_use[identity(source)];
    if (auto shared = slot.lock())
        return shared;

    std::shared_ptr<const Model> model;
    if (source.path.empty()) {
        model = std::make_shared<const Model>(read_model(source, source.embedded));
    } else {
        const MappedFile file(source.path);
        model = std::make_shared<const Model>(read_model(source, file.bytes()));
    }
    slot = model;
    return model;
}

std::string model_digest(const std::string &name_or_path)
{
    static std::mutex mutex;
    static std::map<std::string, std::string> known; // by identity

    const ModelSource source = locate_model(name_or_path);
    const std::string which = identity(source);
    const std::lock_guard lock(mutex);
    if (const auto found = known.find(which); found != known.end())
        return found->second;
    const std::string digest =
        source.path.empty() ? sha256(source.embedded) : sha256(MappedFile(source.path).bytes());
    known[which] = digest;
    return digest;
}

} // namespace anime
