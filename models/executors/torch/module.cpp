// SPDX-License-Identifier: LGPL-2.1-or-later
// Loads anime-torch with dlopen, so that only those who use it pay libtorch's 0.5 s and 150 MB.
#include "models/executors/torch/module.h"

#include "models/error.h"
#include "models/torch_abi.h"

#include <dlfcn.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>

namespace anime
{

namespace
{

constexpr const char *remedy = "Install libtorch-dev and build with -Dtorch=enabled, or use executor=onednn, "
                               "which runs .safetensors models and state dicts.";

const AnimeTorchApi *load()
{
    const char *folder = std::getenv("ANIME_MODULE_PATH");
    const std::filesystem::path path =
        std::filesystem::path(folder && *folder ? folder : ANIME_MODULE_DIR) / "libanime-torch.so";
    std::error_code failure;
    if (!std::filesystem::exists(path, failure))
        throw Error("executor-missing",
                    "The torch executor is not installed: there is no '" + path.string() + "'.", remedy);
    void *module = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (!module)
        throw Error("executor-missing", std::string("The torch executor can't be loaded: ") + dlerror() + ".",
                    remedy);
    const auto entry = reinterpret_cast<AnimeTorchEntry>(dlsym(module, anime_torch_entry));
    const AnimeTorchApi *api = entry ? entry() : nullptr;
    if (!api || api->abi != ANIME_TORCH_ABI || std::strcmp(api->version, ANIME_VERSION) != 0)
        throw Error("executor-missing",
                    "The torch executor '" + path.string() + "' belongs to another version.",
                    "Build or install both together.");
    return api;
}

} // namespace

const AnimeTorchApi &torch_module()
{
    // A failed load is tried again: the initialiser of a static runs until it returns.
    static const AnimeTorchApi *api = load();
    return *api;
}

void throw_torch_error(const AnimeTorchError &error)
{
    throw Error(error.code, error.message, error.remedy);
}

} // namespace anime
