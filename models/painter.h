// SPDX-License-Identifier: LGPL-2.1-or-later
// The face that models/ shows to the elements: open a painter by name, paint a picture of any size with it.
#pragma once

#include "models/api.h"
#include "models/error.h"
#include "models/image.h"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace anime
{

/// What the user asked for. Equal settings share one painter, its weights and its executor.
struct PaintSettings {
    std::string model = "default";  ///< a name from the catalogue, or a path (.safetensors, .pt)
    std::string executor = "auto";  ///< auto, or one of list_executors()
    std::string device = "auto";    ///< auto, cpu, cuda:N
    std::string precision = "auto"; ///< auto, f32, bf16, int8, f16 (on a GPU)
    unsigned threads = 0;           ///< CPU threads of the executor; 0: one per core that the process may use
    /// Pictures that are painted at once, each by its share of the threads; 0: as many as are worth it. A
    /// painter may do with fewer.
    unsigned pictures = 1;

    bool operator==(const PaintSettings &) const = default;
};

/// What was chosen; fixed for the painter's life.
struct PainterInfo {
    std::string model;        ///< catalogue name, or the file's name
    std::string digest;       ///< SHA-256 of the weights file, hex
    std::string architecture; ///< animeganv2, lite, torchscript
    std::string licence;
    std::string executor;  ///< onednn, torch
    std::string device;    ///< cpu, cuda:0
    std::string precision; ///< f32, bf16, int8, f16
    std::string isa;       ///< what the CPU kernels use, as oneDNN names it; empty elsewhere
    unsigned threads = 0;  ///< for one picture
    unsigned pictures = 1; ///< painted at once
    bool graded = false;   ///< light and contrast are the style's own: not to be matched to the photo's
    int face_size = 512;   ///< side in pixels at which the model paints a face best
};

/// What one call cost.
struct PaintStats {
    std::uint64_t wait_ns = 0;      ///< waiting for a slot of the executor
    std::uint64_t inference_ns = 0; ///< painting
    std::size_t memory_bytes = 0;   ///< weights and buffers that the executor holds for this model and size
};

/// Paints pictures with one model on one executor. Safe to call from several threads: calls beyond
/// PainterInfo::pictures, and beyond what else the device does, wait, and stop waiting when cancelled.
class ANIME_API Painter
{
public:
    virtual ~Painter() = default;

    virtual const PainterInfo &info() const = 0;

    /// Paints `in` into `out`, which has the same width and height (any, from 1×1 up; padded inside, cropped
    /// outside) and may not overlap it. `cancel` is polled between the steps of the network.
    /// Throws Error: cancelled, out-of-memory, device-lost.
    virtual PaintStats paint(const ConstImage &in, const Image &out, const std::atomic<bool> &cancel) = 0;

    /// What it holds between pictures: weights and buffers, as of the last picture.
    virtual std::size_t memory_bytes() const = 0;
};

/// Loads the model (once in a process) and binds it to an executor. Painters outlive their last user, the
/// newest always and others within 64 MiB, so that the next pipeline does not load them again; one whose file
/// was replaced is not handed out any more. Throws Error: model-missing, model-invalid, model-unsupported,
/// executor-missing, device-missing, precision-unsupported, out-of-memory.
ANIME_API std::shared_ptr<Painter> open_painter(const PaintSettings &settings);

/// Lets go of the painters that nobody uses.
ANIME_API void forget_idle_painters();

/// What PaintSettings::executor can name.
struct ExecutorInfo {
    std::string name;
    std::string about; ///< one line
};

ANIME_API std::vector<ExecutorInfo> list_executors();

/// A style that can be named in PaintSettings::model and needs no path.
struct StyleInfo {
    std::string name;
    std::string description; ///< of a file that is none: why
    std::string licence;
    bool available = false; ///< embedded, downloaded or installed
};

/// The embedded ones, the default first; those of the catalogue; other .safetensors files in the download
/// folder.
ANIME_API std::vector<StyleInfo> list_styles();

/// The style that paints like `model` (PaintSettings::model) with about a third of the arithmetic, for live
/// video on a machine that is too slow for it; empty if there is none.
ANIME_API std::string quick_style(const std::string &model);

/// SHA-256 of a style's weights file, hex, as PainterInfo has it; the file is read again only after it was
/// replaced or written to. Throws Error: model-missing.
ANIME_API std::string style_digest(const std::string &name_or_path);

} // namespace anime
