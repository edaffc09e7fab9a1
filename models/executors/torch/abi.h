// SPDX-License-Identifier: LGPL-2.1-or-later
// The border between the library and the module anime-torch, which alone links libtorch: one table of C
// functions. Nothing throws across it and neither side frees what the other allocated.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace anime
{
struct Graph;
}

extern "C" {

/// Why a function failed, as the parts of anime::Error.
struct AnimeTorchError {
    char code[32];
    char message[512];
    char remedy[256];
};

struct AnimeTorchDevice {
    char name[16];
    bool half; ///< graphs can be run in f16
};

/// Interleaved bytes as in models/image.h.
struct AnimeTorchPicture {
    const std::uint8_t *in;
    std::ptrdiff_t in_stride;
    int in_pixel;
    std::uint8_t *out;
    std::ptrdiff_t out_stride;
    int out_pixel;
    int width;
    int height;
};

struct AnimeTorchNetwork;

/// Functions return true, or fill the error and return false.
struct AnimeTorchApi {
    /// ANIME_TORCH_ABI of models/torch_abi.h, a digest of this file and graph.h that the build makes: a
    /// module that was built with others is refused.
    std::uint32_t abi;
    const char *version; ///< ANIME_VERSION

    /// Which device "auto", "cpu" or "cuda:N" means here.
    bool (*resolve_device)(const char *name, AnimeTorchDevice *device, AnimeTorchError *error);

    /// `graph` has to outlive the network. `precision` is f32, or f16 on a GPU. `threads` counts, where the
    /// device is the CPU.
    bool (*open_graph)(const anime::Graph *graph, const char *device, const char *precision, unsigned threads,
                       AnimeTorchNetwork **network, AnimeTorchError *error);
    bool (*open_script)(const char *path, const char *device, unsigned threads, AnimeTorchNetwork **network,
                        AnimeTorchError *error);
    /// Paints a picture of any size. One call at a time for each worker of the device's slot
    /// (models/executors/slot.h). `bytes` becomes the most that weights and values took together, as far as
    /// it is known.
    bool (*paint)(AnimeTorchNetwork *network, const AnimeTorchPicture *picture, unsigned worker,
                  const std::atomic<bool> *cancel, std::size_t *bytes, AnimeTorchError *error);
    /// The same without the rounding to bytes: `in` and `out` are planar RGB in [-1, 1], 3 · height · width
    /// values, of a size that suits the network.
    bool (*run)(AnimeTorchNetwork *network, const float *in, float *out, int width, int height,
                const std::atomic<bool> *cancel, std::size_t *bytes, AnimeTorchError *error);
    void (*close)(AnimeTorchNetwork *network);
};

/// The module's only symbol.
using AnimeTorchEntry = const AnimeTorchApi *(*)();
inline constexpr const char *anime_torch_entry = "anime_torch_module";
}
