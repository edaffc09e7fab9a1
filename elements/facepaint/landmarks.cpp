// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/facepaint/landmarks.h"

#include "elements/facepaint/dlib_config.h"
#include "models/error.h"

#include <dlib/array2d.h>
#include <dlib/image_processing/shape_predictor.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <map>
#include <mutex>

namespace anime
{

namespace
{

constexpr std::size_t landmark_count = 68;
constexpr const char *remedy = "Install libdlib-data, or set align=false.";

class DlibPredictor final : public LandmarkPredictor
{
public:
    explicit DlibPredictor(const std::string &path)
    {
        std::ifstream in(path, std::ios::binary);
        if (!in)
            throw Error("model-missing", "The face landmark predictor " + path + " cannot be opened.",
                        remedy);
        try {
            deserialize(predictor_, in);
        } catch (const std::exception &error) {
            throw Error("model-invalid",
                        "The face landmark predictor " + path + " is damaged (" + error.what() + ").",
                        remedy);
        }
        if (predictor_.num_parts() != landmark_count)
            throw Error("model-invalid",
                        "The face landmark predictor " + path + " knows " +
                            std::to_string(predictor_.num_parts()) + " landmarks instead of 68.",
                        remedy);
    }

    std::vector<Point> predict(const ConstImage &frame, const Face &face) const override
    {
        // The predictor compares single pixels in and around the box, nothing farther away.
        const double margin_x = face.width / 2;
        const double margin_y = face.height / 2;
        const int left = std::clamp(static_cast<int>(face.x - margin_x), 0, frame.width);
        const int top = std::clamp(static_cast<int>(face.y - margin_y), 0, frame.height);
        const int right = std::clamp(static_cast<int>(face.x + face.width + margin_x), left, frame.width);
        const int bottom = std::clamp(static_cast<int>(face.y + face.height + margin_y), top, frame.height);
        if (right == left || bottom == top)
            return {};
        dlib::array2d<dlib::rgb_pixel> part(bottom - top, right - left);
        for (int y = top; y < bottom; ++y) {
            for (int x = left; x < right; ++x) {
                const std::uint8_t *p = frame.at(x, y);
                part[y - top][x - left] = dlib::rgb_pixel(p[0], p[1], p[2]);
            }
        }
        const dlib::rectangle box(std::lround(face.x) - left, std::lround(face.y) - top,
                                  std::lround(face.x + face.width) - 1 - left,
                                  std::lround(face.y + face.height) - 1 - top);
        const dlib::full_object_detection shape = predictor_(part, box);
        std::vector<Point> points;
        for (unsigned long i = 0; i < shape.num_parts(); ++i)
            points.push_back({static_cast<double>(shape.part(i).x() + left) + 0.5,
                              static_cast<double>(shape.part(i).y() + top) + 0.5});
        return points;
    }

private:
    dlib::shape_predictor predictor_;
};

Point mean(std::span<const Point> points)
{
    Point sum;
    for (const Point &p : points) {
        sum.x += p.x;
        sum.y += p.y;
    }
    const auto count = static_cast<double>(points.size());
    return {sum.x / count, sum.y / count};
}

} // namespace

std::shared_ptr<const LandmarkPredictor> load_landmark_predictor(const std::string &path)
{
    static std::mutex lock; // held while loading, so that two elements that start at once load one
    static std::map<std::string, std::weak_ptr<const LandmarkPredictor>> loaded;
    const std::lock_guard guard(lock);
    std::shared_ptr<const LandmarkPredictor> predictor = loaded[path].lock();
    if (!predictor) {
        predictor = std::make_shared<DlibPredictor>(path);
        loaded[path] = predictor;
    }
    return predictor;
}

double eye_angle(std::span<const Point> landmarks)
{
    if (landmarks.size() != landmark_count)
        return 0;
    // The six points around each eye; "left" as seen in the picture.
    const Point left = mean(landmarks.subspan(36, 6));
    const Point right = mean(landmarks.subspan(42, 6));
    return std::atan2(right.y - left.y, right.x - left.x);
}

} // namespace anime
