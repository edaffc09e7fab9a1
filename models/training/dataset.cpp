// SPDX-License-Identifier: LGPL-2.1-or-later
// Photos with the teacher's pictures of them, in memory, and the random crops that training draws.
#include "models/training/dataset.h"

#include "models/training/cache.h"
#include "models/training/student.h"

#include <filesystem>
#include <random>
#include <stdexcept>

namespace anime::training
{
namespace
{

/// Pixels from a crop's border inside which the loss does not count: what lies there depends on what was cut
/// off.
constexpr int64_t margin = 8;

double mean_luma(const at::Tensor &bytes)
{
    const at::Tensor means = bytes.to(at::kFloat).mean({1, 2});
    return 0.299 * means[0].item<double>() + 0.587 * means[1].item<double>() +
           0.114 * means[2].item<double>();
}

Example make_example(const std::string &name, const at::Tensor &photo, const at::Tensor &picture,
                     double colours)
{
    if (photo.sizes() != picture.sizes()) {
        throw std::runtime_error(name +
                                 ": the cached picture has another size than the photo; empty the cache");
    }
    return {name, photo, match_colours(match_brightness(picture, photo), photo, colours),
            thumbnail_of(to_signed(photo).unsqueeze(0))[0]};
}

/// Full range BT.601 (JFIF): rows Y, Cb, Cr of R, G, B.
at::Tensor luma_chroma()
{
    return at::tensor({0.299, 0.587, 0.114, -0.168736, -0.331264, 0.5, 0.5, -0.418688, -0.081312}, at::kFloat)
        .view({3, 3});
}

/// (3, H, W) by a 3×3 matrix over the channels.
at::Tensor recolour(const at::Tensor &matrix, const at::Tensor &picture)
{
    return at::matmul(matrix, picture.flatten(1)).view_as(picture);
}

/// Means over windows of 2 · radius + 1, of what lies inside of the picture.
at::Tensor box_mean(const at::Tensor &x, int64_t radius)
{
    const int64_t side = 2 * radius + 1;
    const at::Tensor rows = at::avg_pool2d(x, {1, side}, {1, 1}, {0, radius}, false, false);
    return at::avg_pool2d(rows, {side, 1}, {1, 1}, {radius, 0}, false, false);
}

} // namespace

at::Tensor match_brightness(const at::Tensor &picture, const at::Tensor &photo)
{
    const double ratio = mean_luma(photo) / std::max(mean_luma(picture), 1.0);
    return picture.to(at::kFloat).mul(ratio).round().clamp(0, 255).to(at::kByte);
}

at::Tensor match_colours(const at::Tensor &picture, const at::Tensor &photo, double amount)
{
    if (amount == 0) {
        return picture;
    }
    constexpr int64_t radius = 8;
    constexpr double flat = 100; // variance of luma, in levels², below which an area counts as flat
    const at::Tensor wanted = recolour(luma_chroma(), photo.to(at::kFloat));
    at::Tensor painted = recolour(luma_chroma(), picture.to(at::kFloat));
    const at::Tensor guide = wanted.narrow(0, 0, 1);
    const at::Tensor distance = (wanted - painted).narrow(0, 1, 2);
    const at::Tensor mean_guide = box_mean(guide, radius);
    const at::Tensor mean_distance = box_mean(distance, radius);
    const at::Tensor slope = (box_mean(guide * distance, radius) - mean_guide * mean_distance) /
                             (box_mean(guide * guide, radius) - mean_guide * mean_guide + flat);
    const at::Tensor offset = mean_distance - slope * mean_guide;
    painted.narrow(0, 1, 2).add_(box_mean(slope, radius) * guide + box_mean(offset, radius), amount);
    return recolour(at::inverse(luma_chroma()), painted).round().clamp(0, 255).to(at::kByte);
}

std::vector<std::string> photos_of(const Source &source, Split split)
{
    std::vector<std::string> chosen;
    int others = 0;
    const std::vector<std::string> photos = list_photos(source.photos);
    for (std::size_t i = 0; i < photos.size(); ++i) {
        const bool held_out =
            source.held_out_every > 0 && i % static_cast<std::size_t>(source.held_out_every) == 0;
        const bool wanted = held_out ? split == Split::held_out
                                     : split == Split::training && others++ % source.train_every == 0;
        if (wanted) {
            chosen.push_back(photos[i]);
        }
    }
    return chosen;
}

std::vector<Example> load_examples(const Source &source, Split split, double colours)
{
    std::vector<Example> examples;
    for (const std::string &path : photos_of(source, split)) {
        for (const bool mirrored : {false, true}) {
            const std::string picture = cached_path(source, path, mirrored);
            if ((mirrored && (!source.mirror || split == Split::held_out)) ||
                !std::filesystem::exists(picture)) {
                continue;
            }
            at::Tensor photo = read_photo(path, source.size);
            if (mirrored) {
                photo = photo.flip(2);
            }
            examples.push_back(make_example(std::filesystem::path(path).stem().string(), photo,
                                            read_photo(picture, {}), colours));
        }
    }
    return examples;
}

Batch draw_batch(const std::vector<Example> &examples, std::uint64_t seed, std::uint64_t step, int count,
                 int side)
{
    std::seed_seq sequence{seed, step};
    std::mt19937_64 random(sequence);
    std::vector<double> areas;
    areas.reserve(examples.size());
    for (const Example &example : examples) {
        areas.push_back(static_cast<double>(example.photo.size(1) * example.photo.size(2)));
    }
    std::discrete_distribution<std::size_t> draw(areas.begin(), areas.end());
    std::vector<at::Tensor> photos;
    std::vector<at::Tensor> targets;
    std::vector<at::Tensor> thumbnails;
    const at::Tensor mask = at::ones({count, 1, side, side});
    for (int i = 0; i < count; ++i) {
        const Example &example = examples[draw(random)];
        const int64_t rows = example.photo.size(1);
        const int64_t columns = example.photo.size(2);
        if (rows < side || columns < side) {
            throw std::runtime_error(example.name + ": smaller than the crops of " + std::to_string(side));
        }
        // Multiples of 4: the teacher's asymmetric padding ties its picture to the grid of its strides.
        const int64_t top =
            static_cast<int64_t>(random() % static_cast<std::uint64_t>((rows - side) / 4 + 1)) * 4;
        const int64_t left =
            static_cast<int64_t>(random() % static_cast<std::uint64_t>((columns - side) / 4 + 1)) * 4;
        const auto crop = [&](const at::Tensor &picture) {
            return to_signed(picture.narrow(1, top, side).narrow(2, left, side));
        };
        photos.push_back(crop(example.photo));
        targets.push_back(crop(example.target));
        thumbnails.push_back(example.thumbnail);
        const at::Tensor own = mask[i];
        if (top > 0) {
            own.narrow(1, 0, margin).zero_();
        }
        if (top + side < rows) {
            own.narrow(1, side - margin, margin).zero_();
        }
        if (left > 0) {
            own.narrow(2, 0, margin).zero_();
        }
        if (left + side < columns) {
            own.narrow(2, side - margin, margin).zero_();
        }
    }
    return {at::stack(photos), at::stack(targets), at::stack(thumbnails), mask};
}

} // namespace anime::training
