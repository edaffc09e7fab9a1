// SPDX-License-Identifier: LGPL-2.1-or-later
// From trained weights to the .safetensors file that the engine loads.
#include "models/training/export.h"

#include "models/training/image_files.h"
#include "models/weights/safetensors.h"

#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace anime::training
{
namespace
{

/// Photos and pixels of each that calibration looks at: 64 · 4096 values per channel put 26 beyond each
/// limit.
constexpr std::size_t calibration_photos = 64;
constexpr int64_t calibration_pixels = 4096;
constexpr double clipped = 1e-4; ///< part of the values that may lie beyond each limit

std::string text(double value, int digits)
{
    char buffer[32];
    std::snprintf(buffer, sizeof buffer, "%.*f", digits, value);
    return buffer;
}

void put(Safetensors &file, const std::string &name, const at::Tensor &tensor)
{
    const at::Tensor plain = tensor.detach().to(at::kFloat).contiguous();
    Weight weight{name, plain.sizes().vec(), {}};
    weight.data.assign(plain.data_ptr<float>(), plain.data_ptr<float>() + plain.numel());
    file.tensors[name] = std::make_shared<const Weight>(std::move(weight));
}

} // namespace

Parameters calibrate(const Student &student, const std::vector<Example> &examples)
{
    const c10::InferenceMode no_gradients;
    std::map<std::string, std::vector<at::Tensor>> samples;
    Student observed = student;
    observed.observe([&samples](const std::string &name, const at::Tensor &input) {
        // An even stride: the same pixels at every run, all over the photo.
        const at::Tensor pixels = input.permute({0, 2, 3, 1}).reshape({-1, input.size(1)});
        const int64_t stride = std::max<int64_t>(pixels.size(0) / calibration_pixels, 1);
        samples[name].push_back(pixels.slice(0, 0, c10::nullopt, stride).clone());
    });
    const std::size_t stride = std::max<std::size_t>(examples.size() / calibration_photos, 1);
    for (std::size_t i = 0; i < examples.size(); i += stride) {
        observed.paint(to_signed(examples[i].photo).unsqueeze(0), examples[i].thumbnail.unsqueeze(0),
                       at::kFloat);
    }
    Parameters ranges;
    for (const auto &[name, parts] : samples) {
        const at::Tensor sorted = std::get<0>(at::cat(parts).sort(0));
        const int64_t beyond =
            static_cast<int64_t>(std::floor(clipped * static_cast<double>(sorted.size(0))));
        at::Tensor lo = sorted[beyond].clone();
        at::Tensor hi = sorted[sorted.size(0) - 1 - beyond].clone();
        if (name == "stem" || name == "global.conv1") {
            lo.fill_(-1);
            hi.fill_(1);
        }
        ranges.emplace_back(name + ".input_lo", lo);
        ranges.emplace_back(name + ".input_hi", hi);
    }
    return ranges;
}

void export_student(const Student &student, const Parameters &ranges, const ExportNotes &notes,
                    const std::string &path)
{
    Safetensors file;
    for (const Parameters *parameters : {&student.parameters(), &ranges}) {
        for (const auto &[name, tensor] : *parameters) {
            put(file, name, tensor);
        }
    }
    file.metadata = {
        {"architecture", "lite"},
        {"upsampling", "half-pixel"},
        {"slope", "0.2"},
        {"name", notes.name},
        {"description", notes.description},
        {"licence", "non-commercial use only: distilled from AnimeGANv2, whose authors allow no other"},
        {"trained_from", notes.teacher + ", sha256 " + notes.teacher_sha256},
        {"seed", std::to_string(notes.seed)},
        {"steps", std::to_string(notes.steps)},
        {"crops", std::to_string(notes.steps * static_cast<std::uint64_t>(notes.batch))},
        {"held_out_psnr_db", text(notes.scores.psnr, 2)},
        {"held_out_ssim", text(notes.scores.ssim, 4)},
        {"held_out_edge_energy", text(notes.scores.edge_energy, 3)},
        {"held_out_colour_error", text(notes.scores.colour_error, 2)},
    };
    write_safetensors(path, file);
}

} // namespace anime::training
