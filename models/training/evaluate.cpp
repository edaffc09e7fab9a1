// SPDX-License-Identifier: LGPL-2.1-or-later
// How close a student is to its teacher on photos that it was not trained on: scores, curve and sheets.
#include "models/training/evaluate.h"

#include "models/training/image_files.h"

#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <stdexcept>

namespace anime::training
{
namespace
{

std::ofstream open_for_writing(const std::string &path, std::ios::openmode mode = std::ios::out)
{
    std::ofstream file(path, mode);
    if (!file) {
        throw std::runtime_error(path + ": cannot be written");
    }
    return file;
}

constexpr char curve_header[] = "step,loss,psnr_db,ssim,edge_energy,colour_error";

struct Series {
    const char *title;
    double (*value)(const Scores &scores);
    double bar; ///< what issue and documentation ask for
};

constexpr Series series[] = {
    {"PSNR, dB", [](const Scores &s) { return s.psnr; }, 28},
    {"SSIM", [](const Scores &s) { return s.ssim; }, 0.90},
    {"edge energy", [](const Scores &s) { return s.edge_energy; }, 0.95},
    {"colour error, levels", [](const Scores &s) { return s.colour_error; }, 2.5},
};

/// One small diagram at (left, 0), with a dashed line where the bar is.
void plot_series(std::ofstream &svg, const Series &what, const std::vector<CurvePoint> &points, int left)
{
    constexpr int width = 260;
    constexpr int height = 150;
    constexpr int top = 30;
    double low = what.bar;
    double high = what.bar;
    for (const CurvePoint &point : points) {
        low = std::min(low, what.value(point.scores));
        high = std::max(high, what.value(point.scores));
    }
    const double span = std::max(high - low, 1e-9);
    const auto last = static_cast<double>(std::max<std::uint64_t>(points.back().step, 1));
    const auto y = [&](double value) { return top + height - (value - low) / span * height; };
    svg << "<text x='" << left << "' y='18'>" << what.title << "</text>\n"
        << "<rect x='" << left << "' y='" << top << "' width='" << width << "' height='" << height
        << "' fill='none' stroke='#999'/>\n"
        << "<line x1='" << left << "' x2='" << left + width << "' y1='" << y(what.bar) << "' y2='"
        << y(what.bar)
        << "' stroke='#c33' stroke-dasharray='4'/>\n<polyline fill='none' stroke='#236' points='";
    for (const CurvePoint &point : points) {
        svg << left + static_cast<double>(point.step) / last * width << ',' << y(what.value(point.scores))
            << ' ';
    }
    svg << "'/>\n<text x='" << left << "' y='" << top + height + 16 << "'>" << low << " to " << high
        << ", 0 to " << points.back().step << " steps</text>\n";
}

} // namespace

at::Tensor paint_photo(const Student &student, const Example &example)
{
    const c10::InferenceMode no_gradients;
    return to_bytes(
        student.paint(to_signed(example.photo).unsqueeze(0), example.thumbnail.unsqueeze(0), at::kFloat)[0]);
}

std::vector<Scored> evaluate(const Student &student, const std::vector<Example> &examples)
{
    const c10::InferenceMode no_gradients;
    std::vector<Scored> scored;
    for (const Example &example : examples) {
        scored.push_back({example.name, example.photo.size(2), example.photo.size(1),
                          score(paint_photo(student, example), example.target)});
    }
    return scored;
}

Scores mean(const std::vector<Scored> &scored)
{
    Scores sum;
    const auto n = static_cast<double>(scored.size());
    for (const Scored &one : scored) {
        sum.psnr += one.scores.psnr / n;
        sum.ssim += one.scores.ssim / n;
        sum.edge_energy += one.scores.edge_energy / n;
        sum.colour_error += one.scores.colour_error / n;
    }
    return sum;
}

void write_scores(const std::vector<Scored> &scored, const std::string &path)
{
    std::ofstream file = open_for_writing(path);
    file << "photo,width,height,psnr_db,ssim,edge_energy,colour_error\n";
    const auto line = [&file](const Scored &one) {
        file << one.name << ',' << one.width << ',' << one.height << ',' << one.scores.psnr << ','
             << one.scores.ssim << ',' << one.scores.edge_energy << ',' << one.scores.colour_error << '\n';
    };
    for (const Scored &one : scored) {
        line(one);
    }
    line({"mean", 0, 0, mean(scored)});
}

void write_sheets(const Student &student, const std::vector<Example> &examples, const std::string &folder)
{
    std::filesystem::create_directories(folder);
    for (const Example &example : examples) {
        write_picture(at::cat({example.photo, example.target, paint_photo(student, example)}, 2),
                      folder + "/" + example.name + ".png");
    }
}

void append_curve(const CurvePoint &point, const std::string &path)
{
    const bool fresh = !std::filesystem::exists(path);
    std::ofstream file = open_for_writing(path, std::ios::app);
    if (fresh) {
        file << curve_header << '\n';
    }
    file << point.step << ',' << point.loss << ',' << point.scores.psnr << ',' << point.scores.ssim << ','
         << point.scores.edge_energy << ',' << point.scores.colour_error << '\n';
}

std::vector<CurvePoint> read_curve(const std::string &path)
{
    std::ifstream file(path);
    std::string line;
    if (!std::getline(file, line) || line != curve_header) {
        throw std::runtime_error(path + ": not a curve that anime-train wrote");
    }
    std::vector<CurvePoint> points;
    while (std::getline(file, line)) {
        CurvePoint point;
        unsigned long long step = 0;
        if (std::sscanf(line.c_str(), "%llu,%lf,%lf,%lf,%lf,%lf", &step, &point.loss, &point.scores.psnr,
                        &point.scores.ssim, &point.scores.edge_energy, &point.scores.colour_error) != 6) {
            throw std::runtime_error(path + ": cannot read the line '" + line + "'");
        }
        point.step = step;
        points.push_back(point);
    }
    return points;
}

void plot_curve(const std::vector<CurvePoint> &points, const std::string &path)
{
    if (points.empty()) {
        throw std::runtime_error(path + ": there is nothing to plot yet");
    }
    std::ofstream svg = open_for_writing(path);
    svg << "<svg xmlns='http://www.w3.org/2000/svg' width='1180' height='210' font-family='sans-serif' "
           "font-size='12'>\n<rect width='100%' height='100%' fill='white'/>\n";
    int left = 15;
    for (const Series &what : series) {
        plot_series(svg, what, points, left);
        left += 290;
    }
    svg << "</svg>\n";
}

} // namespace anime::training
