// SPDX-License-Identifier: LGPL-2.1-or-later
// From trained weights to the .safetensors file that the engine loads.
#pragma once

#include "models/training/dataset.h"
#include "models/training/losses.h"
#include "models/training/student.h"

#include <map>
#include <string>
#include <vector>

namespace anime::training
{

/// The range of each conv's input per channel, as NAME.input_lo and NAME.input_hi, on some of `examples`.
Parameters calibrate(const Student &student, const std::vector<Example> &examples);

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

/// Weights and ranges in float, with the notes as metadata. Replaces the file atomically.
void export_student(const Student &student, const Parameters &ranges, const ExportNotes &notes,
                    const std::string &path);

} // namespace anime::training
