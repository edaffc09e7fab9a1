// SPDX-License-Identifier: LGPL-2.1-or-later
// From trained weights to the .safetensors file that the engine loads.
#pragma once

#include "models/training/losses.h"
#include "models/training/student.h"

#include <cstdint>
#include <string>

namespace anime::training
{

struct ExportNotes {
    std::string name;
    std::string description;
    std::string teacher;
    std::string teacher_sha256;
    std::uint64_t seed = 0;
    std::uint64_t steps = 0;
    int batch = 0;
    Scores scores;
};

/// Weights in float, with the notes as metadata; anime-calibrate adds what int8 needs. Replaces the file
/// atomically.
void export_student(const Student &student, const ExportNotes &notes, const std::string &path);

} // namespace anime::training
