// SPDX-License-Identifier: LGPL-2.1-or-later
// From trained weights to the .safetensors file that the engine loads.
#include "models/training/export.h"

#include "models/weights/safetensors.h"

#include <cstdio>

namespace anime::training
{
namespace
{

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

void export_student(const Student &student, const ExportNotes &notes, const std::string &path)
{
    Safetensors file;
    for (const auto &[name, tensor] : student.parameters()) {
        put(file, name, tensor);
    }
    file.metadata = {
        {"architecture", "lite"},
        {"upsampling", "half-pixel"},
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
