// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/facepaint/face_detector.h"

#include "elements/facepaint/dlib_config.h"

#include <dlib/image_processing/frontal_face_detector.h>
#include <dlib/image_transforms.h>

#include <algorithm>
#include <cmath>
#include <future>
#include <optional>
#include <sstream>
#include <string>
#include <thread>

#include "detector_weights.h"

namespace anime
{

namespace
{

using GreyImage = dlib::array2d<unsigned char>;
using Detections = std::vector<dlib::rect_detection>;
using Pyramid = dlib::pyramid_down<6>;

/// Side of the detector's window: no smaller face is found at the working size.
constexpr double window = 80;
/// A face at the frame's edge is found with a part of it outside; with less than this inside, none is.
constexpr int smallest_side = 64;

/// The pyramid's first two levels cost about as much as all others together (each has 25/36 of the pixels of
/// the one before).
constexpr unsigned long first_levels = 2;

/// dlib's detector. Built once in a process, and copied by those who run it: running changes it.
const dlib::frontal_face_detector &whole_detector()
{
    static const dlib::frontal_face_detector detector = [] {
        std::istringstream in(
            std::string(reinterpret_cast<const char *>(detector_weights), sizeof detector_weights));
        dlib::frontal_face_detector loaded;
        deserialize(loaded, in);
        return loaded;
    }();
    return detector;
}

/// The same, but it looks only at the first `levels` of the pyramid.
dlib::frontal_face_detector make_detector(unsigned long levels)
{
    const dlib::frontal_face_detector &whole = whole_detector();
    dlib::frontal_face_detector::image_scanner_type scanner;
    scanner.copy_configuration(whole.get_scanner());
    scanner.set_max_pyramid_levels(levels);
    std::vector<dlib::frontal_face_detector::feature_vector_type> weights;
    for (unsigned long i = 0; i < whole.num_detectors(); ++i)
        weights.push_back(whole.get_w(i));
    return dlib::frontal_face_detector(scanner, whole.get_overlap_tester(), weights);
}

const dlib::frontal_face_detector &first_levels_detector()
{
    static const dlib::frontal_face_detector detector = make_detector(first_levels);
    return detector;
}

/// Of a face that is followed: smaller by one step of the pyramid (a sixth), as large as it was, larger by
/// one.
constexpr unsigned long followed_levels = 3;
/// The side that makes a known face as large as the second level's window.
constexpr double followed_side = window * 6 / 5;
/// Half the side of the square that is looked at, in sides of the face.
constexpr double reach = 1.1;

const dlib::frontal_face_detector &following_detector()
{
    static const dlib::frontal_face_detector detector = make_detector(followed_levels);
    return detector;
}

/// The frame in grey, each `bin` x `bin` pixels averaged into one.
GreyImage to_grey(const ConstImage &frame, int bin)
{
    GreyImage grey((frame.height + bin - 1) / bin, (frame.width + bin - 1) / bin);
    for (long y = 0; y < grey.nr(); ++y) {
        const int top = static_cast<int>(y) * bin;
        const int bottom = std::min(top + bin, frame.height);
        for (long x = 0; x < grey.nc(); ++x) {
            const int left = static_cast<int>(x) * bin;
            const int right = std::min(left + bin, frame.width);
            unsigned sum = 0;
            for (int row = top; row < bottom; ++row) {
                for (int column = left; column < right; ++column) {
                    const std::uint8_t *p = frame.at(column, row);
                    sum += (77u * p[0] + 150u * p[1] + 29u * p[2]) >> 8; // BT.601 luma
                }
            }
            grey[y][x] =
                static_cast<unsigned char>(sum / static_cast<unsigned>((bottom - top) * (right - left)));
        }
    }
    return grey;
}

Detections run(dlib::frontal_face_detector detector, const GreyImage &image)
{
    Detections found;
    detector(image, found, 0.0);
    return found;
}

/// What the detector finds from the third level of the pyramid on, in the coordinates of `image`.
Detections run_upper_levels(const GreyImage &image)
{
    const Pyramid pyramid;
    GreyImage once;
    GreyImage twice;
    pyramid(image, once);
    pyramid(once, twice);
    Detections found = run(whole_detector(), twice);
    for (dlib::rect_detection &detection : found)
        detection.rect = pyramid.rect_up(detection.rect, first_levels);
    return found;
}

/// Keeps the surest of those that overlap.
Detections without_overlaps(Detections all)
{
    const dlib::test_box_overlap overlap = whole_detector().get_overlap_tester();
    std::sort(all.rbegin(), all.rend());
    Detections kept;
    for (const dlib::rect_detection &candidate : all)
        if (std::none_of(kept.begin(), kept.end(), [&](const dlib::rect_detection &better) {
                return overlap(better.rect, candidate.rect);
            }))
            kept.push_back(candidate);
    return kept;
}

Detections detect_on_two_threads(const GreyImage &image)
{
    const long upper_side = std::min(image.nr(), image.nc()) * 25 / 36;
    if (upper_side < smallest_side || std::thread::hardware_concurrency() < 2)
        return run(whole_detector(), image);
    std::future<Detections> upper = std::async(std::launch::async, run_upper_levels, std::cref(image));
    Detections all = run(first_levels_detector(), image);
    const Detections others = upper.get();
    all.insert(all.end(), others.begin(), others.end());
    return without_overlaps(std::move(all));
}

/// A picture as the detector sees it.
struct Scaled {
    GreyImage grey;
    double x; ///< from its pixels to the picture's
    double y;

    std::vector<Face> faces(const Detections &detections) const
    {
        std::vector<Face> faces;
        for (const dlib::rect_detection &found : detections) {
            Face face;
            face.x = static_cast<double>(found.rect.left()) * x;
            face.y = static_cast<double>(found.rect.top()) * y;
            face.width = static_cast<double>(found.rect.width()) * x;
            face.height = static_cast<double>(found.rect.height()) * y;
            face.confidence = found.detection_confidence;
            faces.push_back(std::move(face));
        }
        return faces;
    }
};

Scaled scale(const ConstImage &picture, const WorkingSize &size)
{
    const int bin = std::max(1, picture.width / size.width);
    GreyImage grey = to_grey(picture, bin);
    Scaled scaled;
    scaled.x = static_cast<double>(grey.nc()) * bin / size.width;
    scaled.y = static_cast<double>(grey.nr()) * bin / size.height;
    if (grey.nc() != size.width || grey.nr() != size.height) {
        scaled.grey.set_size(size.height, size.width);
        dlib::resize_image(grey, scaled.grey);
    } else {
        scaled.grey.swap(grey);
    }
    return scaled;
}

class HogDetector final : public FaceDetector
{
public:
    std::vector<Face> detect(const ConstImage &frame, const DetectionLimits &limits) override
    {
        const WorkingSize size = working_size(frame.width, frame.height, limits);
        if (size.width == 0)
            return {};
        const Scaled scaled = scale(frame, size);
        return scaled.faces(detect_on_two_threads(scaled.grey));
    }

    std::optional<Face> follow(const ConstImage &frame, const Face &known) override
    {
        const double side = std::max(known.width, known.height);
        const auto clip = [](double value, int size) {
            return static_cast<int>(std::lround(std::clamp(value, 0.0, static_cast<double>(size))));
        };
        const int left = clip(known.centre().x - reach * side, frame.width);
        const int top = clip(known.centre().y - reach * side, frame.height);
        const int right = clip(known.centre().x + reach * side, frame.width);
        const int bottom = clip(known.centre().y + reach * side, frame.height);
        const WorkingSize size{static_cast<int>((right - left) * followed_side / side),
                               static_cast<int>((bottom - top) * followed_side / side)};
        if (std::min(size.width, size.height) < smallest_side)
            return std::nullopt;
        const ConstImage part{frame.at(left, top), right - left, bottom - top, frame.stride, frame.pixel};
        const Scaled scaled = scale(part, size);
        std::optional<Face> best;
        for (Face &face : scaled.faces(run(following_detector(), scaled.grey))) {
            face.x += left;
            face.y += top;
            if (overlap(face, known) >= (best ? overlap(*best, known) : same_face))
                best = std::move(face);
        }
        return best;
    }
};

} // namespace

WorkingSize working_size(int width, int height, const DetectionLimits &limits)
{
    const double pixels = static_cast<double>(width) * height;
    const double wanted = window / std::max(limits.min_face_size, smallest_face);
    const double affordable = std::sqrt(static_cast<double>(limits.max_pixels) / pixels);
    const double scale = std::min(wanted, affordable);
    const WorkingSize size{static_cast<int>(width * scale), static_cast<int>(height * scale)};
    if (std::min(size.width, size.height) < smallest_side)
        return {};
    return size;
}

std::unique_ptr<FaceDetector> make_hog_detector()
{
    return std::make_unique<HogDetector>();
}

} // namespace anime
