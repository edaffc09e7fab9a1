// SPDX-License-Identifier: LGPL-2.1-or-later
// What training minimizes and how painters are judged, and the looks that pictures are given, on known
// pictures.
#include "models/training/dataset.h"
#include "models/training/losses.h"
#include "tests/models/training/noise.h"

#include <gtest/gtest.h>

#include <cmath>

namespace anime::training
{
namespace
{

at::Tensor plain(int rows, int columns, double value)
{
    return at::full({1, 3, rows, columns}, value);
}

TEST(Losses, AreZeroForThePictureItself)
{
    const at::Tensor x = to_signed(picture(64, 64, 1)).unsqueeze(0);
    const LossWeights weights{.l1 = 1, .edges = 1, .energy = 1, .colour = 1};
    EXPECT_EQ(loss(x, x, at::ones({1, 1, 64, 64}), weights).item<double>(), 0);
}

TEST(Losses, L1OfAConstantOffsetIsTheOffset)
{
    const at::Tensor mask = at::ones({1, 1, 16, 16});
    const LossWeights weights{.l1 = 1, .edges = 1, .energy = 1};
    EXPECT_NEAR(loss(plain(16, 16, 0.5), plain(16, 16, 0.2), mask, weights).item<double>(), 0.3, 1e-6);
}

TEST(Losses, ColourIsTheDifferenceOfMeansWhateverHasNoise)
{
    const at::Tensor mask = at::ones({1, 1, 96, 96});
    at::Tensor noise = plain(96, 96, 0.4);
    noise.slice(3, 0, 96, 2).neg_(); // columns of -0.4 and 0.4: no colour of their own
    const LossWeights weights{.l1 = 0, .colour = 1};
    EXPECT_NEAR(loss(noise, plain(96, 96, 0), mask, weights).item<double>(), 0, 1e-5);
    EXPECT_NEAR(loss(noise + 0.1, plain(96, 96, 0), mask, weights).item<double>(), 0.1, 1e-5);
}

TEST(Losses, WhatTheMaskHidesDoesNotCount)
{
    at::Tensor painted = plain(16, 16, 0);
    painted.narrow(2, 0, 4).fill_(1);
    at::Tensor mask = at::ones({1, 1, 16, 16});
    mask.narrow(2, 0, 5).zero_();
    const LossWeights weights{.l1 = 1, .edges = 1, .energy = 1};
    EXPECT_EQ(loss(painted, plain(16, 16, 0), mask, weights).item<double>(), 0);
}

TEST(Losses, AStepByOneHasASobelGradientOfOne)
{
    at::Tensor step = plain(8, 8, 0);
    step.narrow(3, 4, 4).fill_(1);
    const at::Tensor gradients = sobel(step);
    EXPECT_FLOAT_EQ(gradients.narrow(1, 0, 3).max().item<float>(), 1);
    EXPECT_FLOAT_EQ(gradients.narrow(1, 3, 3).abs().max().item<float>(), 0);
}

TEST(Scores, OfAnOffsetByTenLevels)
{
    const at::Tensor target = at::full({3, 32, 32}, 100, at::kByte);
    const Scores scores = score(at::full({3, 32, 32}, 110, at::kByte), target);
    EXPECT_NEAR(scores.psnr, 20 * std::log10(25.5), 1e-3);
    EXPECT_NEAR(scores.colour_error, 10, 1e-4);
    EXPECT_NEAR(scores.edge_energy, 1, 1e-4);
}

TEST(Scores, APictureBlurredToItsMeanHasLostItsEdges)
{
    const at::Tensor target = picture(32, 32, 3);
    const Scores scores = score(at::full({3, 32, 32}, 127, at::kByte), target);
    EXPECT_LT(scores.edge_energy, 0.01);
    EXPECT_LT(scores.ssim, 0.1);
}

TEST(Brightness, IsThatOfThePhoto)
{
    const at::Tensor matched =
        match_brightness(at::full({3, 16, 16}, 50, at::kByte), at::full({3, 16, 16}, 100, at::kByte));
    EXPECT_EQ(matched.min().item<int>(), 100);
    EXPECT_EQ(matched.max().item<int>(), 100);
}

at::Tensor plain_colour(double red, double green, double blue)
{
    return at::tensor({red, green, blue}, at::kFloat).view({3, 1, 1}).expand({3, 40, 40}).to(at::kByte);
}

TEST(Colours, AreThePhotosAtThePicturesLuma)
{
    const at::Tensor photo = plain_colour(180, 60, 60); // luma 95.8
    const at::Tensor picture = at::full({3, 40, 40}, 120, at::kByte);
    EXPECT_TRUE(at::equal(match_colours(picture, photo, 0), picture));
    const at::Tensor matched = match_colours(picture, photo, 1).to(at::kInt);
    EXPECT_NEAR(matched[0].max().item<int>(), 204, 1);
    EXPECT_NEAR(matched[1].max().item<int>(), 84, 1);
    EXPECT_NEAR(matched[2].min().item<int>(), 84, 1);
}

TEST(Colours, StopAtABorderOfThePhoto)
{
    at::Tensor photo = plain_colour(200, 30, 30);
    photo.narrow(2, 20, 20).fill_(230);
    at::Tensor picture = plain_colour(90, 80, 80);
    picture.narrow(2, 20, 20).fill_(220);
    const at::Tensor matched = match_colours(picture, photo, 1).to(at::kInt);
    const at::Tensor beside = matched.narrow(2, 22, 18);
    EXPECT_LE((beside[0] - beside[1]).abs().max().item<int>(), 8);
    EXPECT_GT((matched[0] - matched[1]).narrow(1, 0, 18).min().item<int>(), 120);
}

} // namespace
} // namespace anime::training
