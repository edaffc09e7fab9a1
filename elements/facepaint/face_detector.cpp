// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/facepaint/face_detector.h"

#include "elements/facepaint/dlib_config.h"

#include <dlib/image_processing/frontal_face_detector.h>
#include <dlib/image_transforms.h>

#include <algorithm>
#include <cmath>
#include <future>
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

/// The same, but it looks only at the first levels of the pyramid.
const dlib::frontal_face_detector &first_levels_detector()
{
    static const dlib::frontal_face_detector detector = [] {
        const dlib::frontal_face_detector &whole = whole_detector();
        dlib::frontal_face_detector::image_scanner_type scanner;
        scanner.copy_configuration(whole.get_scanner());
        scanner.set_max_pyramid_levels(first_levels);
        std::vector<dlib::frontal_face_detector::feature_vector_type> weights;
        for (unsigned long i = 0; i < whole.num_detectors(); ++i)
            weights.push_back(whole.get_w(i));
        return dlib::frontal_face_detector(scanner, whole.get_overlap_tester(), weights);
    }();
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

class HogDetector final : public FaceDetector
{
public:
    std::vector<Face> detect(const ConstImage &frame, const DetectionLimits &limits) override
    {
        const WorkingSize size = working_size(frame.width, frame.height, limits);
        if (size.width == 0)
            return {};
        const int bin = std::max(1, frame.width / size.width);
        GreyImage grey = to_grey(frame, bin);
        const double scale_x = static_cast<double>(grey.nc()) * bin / size.width;
        const double scale_y = static_cast<double>(grey.nr()) * bin / size.height;
        if (grey.nc() != size.width || grey.nr() != size.height) {
            GreyImage resized(size.height, size.width);
            dlib::resize_image(grey, resized);
            grey.swap(resized);
        }

        std::vector<Face> faces;
        for (const dlib::rect_detection &found : detect_on_two_threads(grey)) {
            Face face;
            face.x = static_cast<double>(found.rect.left()) * scale_x;
            face.y = static_cast<double>(found.rect.top()) * scale_y;
            face.width = static_cast<double>(found.rect.width()) * scale_x;
            face.height = static_cast<double>(found.rect.height()) * scale_y;
            face.confidence = found.detection_confidence;
            faces.push_back(std::move(face));
        }
        return faces;
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
