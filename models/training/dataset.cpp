// SPDX-License-Identifier: LGPL-2.1-or-later
// Photos with the teacher's pictures of them, in memory, and the random crops that training draws.
#include "models/training/dataset.h"

#include "models/training/cache.h"
#include "models/training/image_files.h"
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

Example make_example(const std::string &name, const at::Tensor &photo, const at::Tensor &picture)
{
    if (photo.sizes() != picture.sizes()) {
        throw std::runtime_error(name +
                                 ": the cached picture has another size than the photo; empty the cache");
    }
    return {name, photo, match_brightness(picture, photo), thumbnail_of(to_signed(photo).unsqueeze(0))[0]};
}

} // namespace

at::Tensor match_brightness(const at::Tensor &picture, const at::Tensor &photo)
{
    const double ratio = mean_luma(photo) / std::max(mean_luma(picture), 1.0);
    return picture.to(at::kFloat).mul(ratio).round().clamp(0, 255).to(at::kByte);
}

std::vector<Example> load_examples(const Source &source, Split split)
{
    std::vector<Example> examples;
    const std::vector<std::string> photos = list_photos(source.photos);
    for (std::size_t i = 0; i < photos.size(); ++i) {
        const bool held_out =
            source.held_out_every > 0 && i % static_cast<std::size_t>(source.held_out_every) == 0;
        if (held_out != (split == Split::held_out)) {
            continue;
        }
        for (const bool flipped : {false, true}) {
            const std::string path = cached_path(source.cache, photos[i], source.max_side, flipped);
            if ((flipped && held_out) || !std::filesystem::exists(path)) {
                continue;
            }
            at::Tensor photo = read_photo(photos[i], source.max_side);
            if (flipped) {
                photo = photo.flip(2);
            }
            examples.push_back(
                make_example(std::filesystem::path(photos[i]).stem().string(), photo, read_photo(path, 0)));
        }
    }
    return examples;
}

Batch draw_batch(const std::vector<Example> &examples, std::uint64_t seed, std::uint64_t step, int count,
                 int side)
{
    std::seed_seq sequence{seed, step};
    std::mt19937_64 random(sequence);
    std::vector<at::Tensor> photos;
    std::vector<at::Tensor> targets;
    std::vector<at::Tensor> thumbnails;
    const at::Tensor mask = at::ones({count, 1, side, side});
    for (int i = 0; i < count; ++i) {
        const Example &example = examples[random() % examples.size()];
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
