// SPDX-License-Identifier: LGPL-2.1-or-later
// A model: a graph with its weights and what is known of them. Immutable, loaded once in a process.
#pragma once

#include "models/api.h"
#include "models/graph/graph.h"

#include <map>
#include <memory>
#include <string>

namespace anime
{

struct Safetensors;

struct Model {
    std::string name;
    std::string path; ///< empty for an embedded model
    std::string digest;
    std::string architecture;
    std::string licence;
    std::string description;
    int face_size = 512;
    bool graded = false;                    ///< light and contrast are the style's own
    bool calibrated = false;                ///< every conv has an InputRange
    std::map<std::string, double> fidelity; ///< PSNR in dB against f32, by precision, where it was measured
    std::map<std::string, std::string> metadata; ///< the file's own, verbatim
    Graph graph;
};

/// What the tensors and the metadata of a file make; `fallback_name` where the metadata has no name. Throws
/// Error: model-invalid, model-unsupported.
ANIME_API Model make_model(const Safetensors &file, const std::string &fallback_name);

/// The same for two names of one model, another once its file was replaced or written to. Throws Error:
/// model-missing for a name that means nothing, model-unsupported.
std::string model_identity(const std::string &name_or_path);

/// Finds `name_or_path` (embedded, downloaded, or a .safetensors or .pt file), validates it and builds its
/// graph. A model in use anywhere in the process is handed out again. Throws Error: model-missing,
/// model-invalid, model-unsupported.
ANIME_API std::shared_ptr<const Model> load_model(const std::string &name_or_path);

/// Model::digest without loading the model. Throws Error: model-missing.
std::string model_digest(const std::string &name_or_path);

} // namespace anime
