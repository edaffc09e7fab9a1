// SPDX-License-Identifier: LGPL-2.1-or-later
// A weights file mapped into memory, read-only.
#include "models/weights/mapped_file.h"

#include "models/error.h"

#include <string>

namespace anime
{

MappedFile::MappedFile(const std::filesystem::path &path)
{
    const std::string name = path.string();
    std::error_code failure;
    const auto status = std::filesystem::status(path, failure);
    if (status.type() == std::filesystem::file_type::not_found)
        throw Error("model-missing", "There is no model file '" + name + "'.",
                    "Check the path, or name a style of the catalogue.");
    if (failure)
        throw Error("model-missing",
                    "The model file '" + name + "' can't be read: " + failure.message() + ".",
                    "Check the permissions of the file and of its folders.");
    // Opening a pipe or a device could wait for ever.
    if (status.type() != std::filesystem::file_type::regular)
        throw Error("model-invalid", "'" + name + "' is not a file.", "Name a .safetensors or .pt file.");
    const std::uintmax_t size = std::filesystem::file_size(path, failure);
    if (!failure && size == 0)
        throw Error("model-invalid", "The model file '" + name + "' is empty.", "Download or copy it again.");
    if (!failure && size > max_model_bytes)
        throw Error("model-invalid",
                    "The model file '" + name + "' has " + std::to_string(size) + " bytes; at most " +
                        std::to_string(max_model_bytes) + " are read.",
                    "Use a smaller model.");

    GError *error = nullptr;
    file_.reset(g_mapped_file_new(name.c_str(), FALSE, &error));
    if (!file_) {
        const std::string why = error->message;
        g_error_free(error);
        throw Error("model-missing", "The model file '" + name + "' can't be read: " + why + ".",
                    "Check the permissions of the file.");
    }
}

std::span<const std::byte> MappedFile::bytes() const
{
    return {reinterpret_cast<const std::byte *>(g_mapped_file_get_contents(file_.get())),
            g_mapped_file_get_length(file_.get())};
}

} // namespace anime
