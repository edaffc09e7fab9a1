// SPDX-License-Identifier: LGPL-2.1-or-later
// Reads the .pt files that people publish: a dict of tensors, or one inside another dict.
#include "plugins/torch/network.h"

#include "models/error.h"

#include <caffe2/serialize/inline_container.h>
#include <torch/serialize.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <optional>

namespace anime
{

namespace
{

/// What training programs call the weights among the other things that they save, best first: averaged
/// weights paint better than the last step's.
constexpr const char *wrappers[] = {"params_ema",       "generator", "state_dict",
                                    "model_state_dict", "params",    "model"};
constexpr std::string_view parallel_prefix = "module.";

using Dict = c10::Dict<torch::IValue, torch::IValue>;

bool holds_tensors(const Dict &dict)
{
    return std::any_of(dict.begin(), dict.end(), [](const auto &item) { return item.value().isTensor(); });
}

std::optional<Dict> find_weights(const Dict &dict)
{
    if (holds_tensors(dict))
        return dict;
    for (const char *name : wrappers) {
        const auto found = dict.find(std::string(name));
        if (found != dict.end() && found->value().isGenericDict() &&
            holds_tensors(found->value().toGenericDict()))
            return found->value().toGenericDict();
    }
    return std::nullopt;
}

std::vector<char> read_bytes(const std::string &path)
{
    std::ifstream file(path, std::ios::binary);
    std::vector<char> bytes{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    if (!file)
        throw Error("model-missing", "The model file '" + path + "' can't be read.");
    return bytes;
}

} // namespace

bool is_script_file(const std::string &path)
{
    try {
        return caffe2::serialize::PyTorchStreamReader(path).hasRecord("constants.pkl");
    } catch (const c10::Error &) {
        return false; // not an archive of PyTorch's at all
    }
}

std::vector<NamedTensor> read_state_dict_file(const std::string &path)
{
    if (is_script_file(path))
        throw Error("model-unsupported", "'" + path + "' is a TorchScript program, not a state dict.",
                    "Use executor=torch for it.");
    torch::IValue saved;
    try {
        saved = torch::pickle_load(read_bytes(path));
    } catch (const c10::Error &why) {
        throw Error("model-invalid", "'" + path + "' is not a state dict: " + why.what_without_backtrace(),
                    "Files from before PyTorch 1.6 have to be loaded and saved again with a newer one.");
    }
    const auto dict = saved.isGenericDict() ? find_weights(saved.toGenericDict()) : std::nullopt;
    if (!dict)
        throw Error("model-invalid", "'" + path + "' holds no dict of tensors.",
                    "Save it with torch.save(model.state_dict(), path).");

    std::vector<NamedTensor> tensors;
    for (const auto &item : *dict)
        if (item.key().isString() && item.value().isTensor())
            tensors.push_back({item.key().toStringRef(),
                               item.value().toTensor().to(torch::kCPU, torch::kFloat32).contiguous()});
    if (std::all_of(tensors.begin(), tensors.end(),
                    [](const NamedTensor &t) { return t.name.starts_with(parallel_prefix); }))
        for (NamedTensor &tensor : tensors)
            tensor.name.erase(0, parallel_prefix.size());
    return tensors;
}

} // namespace anime
