// SPDX-License-Identifier: LGPL-2.1-or-later
// Finds the tensors of a state dict in PyTorch's archive.
#include "models/weights/state_dict.h"

#include "models/error.h"
#include "models/weights/pickle.h"
#include "models/weights/stored_floats.h"
#include "models/weights/zip.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace anime
{

namespace
{

/// The folder that everything lies in; it has the name that the file was saved under.
std::string top_folder(const ZipFiles &files, const std::string &source)
{
    for (const auto &[name, contents] : files)
        if (name.ends_with("/data.pkl"))
            return name.substr(0, name.find('/') + 1);
    throw Error("model-invalid", "'" + source + "' is a zip archive, but not one of PyTorch's.",
                "Save the model with torch.save(model.state_dict(), path).");
}

std::optional<FloatFormat> parse_storage_type(const std::string &type)
{
    if (type == "FloatStorage")
        return FloatFormat::f32;
    if (type == "HalfStorage")
        return FloatFormat::f16;
    if (type == "BFloat16Storage")
        return FloatFormat::bf16;
    return std::nullopt;
}

class Storages
{
public:
    Storages(const ZipFiles &files, std::string folder, std::size_t archive_bytes, const std::string &source)
        : files_(files), folder_(std::move(folder)), source_(source),
          budget_(static_cast<std::int64_t>(archive_bytes))
    {
    }

    WeightPtr read(const PickledTensor &tensor)
    {
        const std::optional<FloatFormat> format = parse_storage_type(tensor.storage_type);
        if (!format)
            bad(tensor, "has values of the type " + tensor.storage_type);
        const auto file = files_.find(folder_ + "data/" + tensor.storage);
        if (file == files_.end() || !file->second)
            bad(tensor, "has no values");
        const auto stored = static_cast<std::int64_t>(file->second->size() / bytes_of(*format));
        if (tensor.strides.size() != tensor.shape.size() || tensor.offset < 0 || tensor.offset >= stored)
            bad(tensor, "has a shape that makes no sense");

        // The last value that it uses has to be there; one dimension after the other, so that nothing
        // overflows.
        std::int64_t last = tensor.offset;
        std::int64_t count = 1;
        for (std::size_t d = 0; d < tensor.shape.size(); ++d) {
            const std::int64_t size = tensor.shape[d];
            const std::int64_t stride = tensor.strides[d];
            if (size < 1 || size > stored || stride < 0 || stride > stored || count > stored)
                bad(tensor, "has a shape that makes no sense");
            last += (size - 1) * stride;
            count *= size;
        }
        if (last >= stored || count > stored)
            bad(tensor, "has a shape that its values don't fill");

        const std::int64_t range = last - tensor.offset + 1;
        budget_ -= std::max(range, count);
        if (budget_ < 0)
            bad(tensor, "and those before it use the same values too often");

        const std::size_t width = bytes_of(*format);
        const std::vector<float> values =
            to_floats(*format, file->second->subspan(static_cast<std::size_t>(tensor.offset) * width,
                                                     static_cast<std::size_t>(range) * width));
        auto weight = std::make_shared<Weight>(Weight{tensor.name, tensor.shape, {}});
        weight->data.reserve(static_cast<std::size_t>(count));
        gather(tensor, values, 0, 0, weight->data);
        return weight;
    }

private:
    [[noreturn]] void bad(const PickledTensor &tensor, const std::string &what) const
    {
        throw Error("model-invalid", "The tensor '" + tensor.name + "' of '" + source_ + "' " + what + ".",
                    "Download it again, or save it in float32.");
    }

    /// Row-major order from any strides.
    static void gather(const PickledTensor &tensor, const std::vector<float> &from, std::size_t dimension,
                       std::int64_t offset, std::vector<float> &to)
    {
        if (dimension == tensor.shape.size()) {
            to.push_back(from[static_cast<std::size_t>(offset)]);
            return;
        }
        for (std::int64_t i = 0; i < tensor.shape[dimension]; ++i)
            gather(tensor, from, dimension + 1, offset + i * tensor.strides[dimension], to);
    }

    const ZipFiles &files_;
    std::string folder_;
    const std::string &source_;
    /// Values that may still be read: at first, as many as the archive has bytes. Tensors can share a storage
    /// and storages the bytes of the archive, and a small file could claim a lot that way.
    std::int64_t budget_;
};

} // namespace

bool is_torchscript(std::span<const std::byte> file, const std::string &source)
{
    const ZipFiles files = read_zip(file, source);
    return files.contains(top_folder(files, source) + "constants.pkl");
}

WeightMap read_state_dict(std::span<const std::byte> file, const std::string &source)
{
    const ZipFiles files = read_zip(file, source);
    const std::string folder = top_folder(files, source);
    if (files.contains(folder + "constants.pkl"))
        throw Error("model-unsupported", "'" + source + "' is a TorchScript program, not a state dict.",
                    "Use executor=torch for it.");
    const auto pickle = files.find(folder + "data.pkl");
    if (pickle == files.end() || !pickle->second)
        throw Error("model-invalid",
                    "'" + source + "' has no description of its tensors, or a compressed one.",
                    "Save the model with torch.save(model.state_dict(), path).");
    Storages storages(files, folder, file.size(), source);
    WeightMap weights;
    for (const PickledTensor &tensor : read_pickled_tensors(*pickle->second, source))
        weights.insert_or_assign(tensor.name, storages.read(tensor));
    return weights;
}

} // namespace anime
