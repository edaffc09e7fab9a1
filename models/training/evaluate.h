// SPDX-License-Identifier: LGPL-2.1-or-later
// How close a student is to its teacher on photos that it was not trained on: scores, curve and sheets.
#pragma once

#include "models/training/dataset.h"
#include "models/training/losses.h"
#include "models/training/student.h"

#include <string>
#include <vector>

namespace anime::training
{

/// The student's picture of a whole photo, (3, H, W) uint8, in float precision.
at::Tensor paint_photo(const Student &student, const Example &example);

struct Scored {
    std::string name;
    int64_t width = 0;
    int64_t height = 0;
    Scores scores;
};

std::vector<Scored> evaluate(const Student &student, const std::vector<Example> &examples);
Scores mean(const std::vector<Scored> &scored);

/// One line per photo and a last one with the means.
void write_scores(const std::vector<Scored> &scored, const std::string &path);

/// Photo, teacher's picture and student's picture side by side, as PNG files in `folder`.
void write_sheets(const Student &student, const std::vector<Example> &examples, const std::string &folder);

/// A point of the training's curve: mean scores on the held-out photos after `step` steps.
struct CurvePoint {
    std::uint64_t step = 0;
    double loss = 0;
    Scores scores;
};

/// Appends to a CSV file, with a header where it is new.
void append_curve(const CurvePoint &point, const std::string &path);
std::vector<CurvePoint> read_curve(const std::string &path);

/// PSNR, SSIM, edge energy and colour error over the steps, as SVG.
void plot_curve(const std::vector<CurvePoint> &points, const std::string &path);

} // namespace anime::training
