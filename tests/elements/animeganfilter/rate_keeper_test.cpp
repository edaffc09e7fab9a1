// SPDX-License-Identifier: LGPL-2.1-or-later
// The net and the size with which a rate is held, on machines whose speed the test knows.
#include "elements/animeganfilter/rate_keeper.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace anime
{
namespace
{

constexpr double ms = 1e6;
constexpr double budget = 33.3 * ms;

/// A machine that takes `fixed` for a frame and `whole` for painting all of its pixels, give or take `noise`;
/// with the quick net, the part `quick` of it, and `enlarging` more where the painting is smaller than the
/// frame.
struct Machine {
    double fixed;
    double whole;
    double noise = 0.1;
    double quick = 0.37;
    double enlarging = 0;
};

class Rates : public testing::Test
{
protected:
    /// Handles a frame; whether it was done in time.
    bool frame(const Machine &machine)
    {
        const double net = rate_.quick() ? machine.quick : 1;
        const double noise = 1 + machine.noise * (std::generate_canonical<double, 20>(random_) - 0.5);
        const double painting = noise * machine.whole * ms * net * rate_.scale() * rate_.scale();
        const double beside = machine.fixed + (rate_.scale() < 1 ? machine.enlarging : 0);
        const double time = noise * beside * ms + painting;
        if (rate_.handled(static_cast<std::uint64_t>(time), static_cast<std::uint64_t>(painting),
                          static_cast<std::uint64_t>(budget)))
            ++changes_;
        return time <= budget;
    }
    /// Of `frames` frames, those that were not done in time.
    int missed(const Machine &machine, int frames)
    {
        int count = 0;
        for (int i = 0; i < frames; ++i)
            count += !frame(machine);
        return count;
    }

    RateKeeper rate_;
    int changes_ = 0;
    std::mt19937 random_{1};
};

TEST_F(Rates, AQuickMachinePaintsAtFullSize)
{
    EXPECT_EQ(missed({2, 20}, 2000), 0);
    EXPECT_EQ(rate_.scale(), 1);
    EXPECT_EQ(changes_, 0);
}

// Once at the start, as far as needed; then it stays.
TEST_F(Rates, ASlowMachineGoesDownAtOnceAndStays)
{
    for (const double whole : {40., 60., 80., 120., 180., 300.}) {
        SCOPED_TRACE(whole);
        rate_.forget();
        changes_ = 0;
        EXPECT_LE(missed({4, whole}, 3000), 6);
        EXPECT_LE(changes_, 3);
        EXPECT_LT(rate_.scale(), 1);
        EXPECT_GT(4 + whole * rate_.quality(), 12) << "and no smaller than needed";
    }
}

TEST_F(Rates, GoesBackUpWhenThereIsTime)
{
    missed({4, 150}, 300);
    const double small = rate_.scale();
    EXPECT_LT(small, 0.5);
    EXPECT_LE(missed({2, 20}, 91 * 9), 0);
    EXPECT_EQ(rate_.scale(), 1);
}

// Enlarging a smaller painting takes time too, which does not grow with the painting.
TEST_F(Rates, GoesBackUpWhereMostOfTheTimeIsNotTheNets)
{
    missed({13, 150}, 300);
    EXPECT_LT(rate_.scale(), 0.5);
    EXPECT_LE(missed({13, 10}, 91 * 9), 0);
    EXPECT_EQ(rate_.scale(), 1);
}

// A hiccup is no reason: a disk, another program's start.
TEST_F(Rates, AFewSlowFramesChangeNothing)
{
    for (int i = 0; i < 600; ++i)
        frame(i % 50 < 2 ? Machine{200, 20} : Machine{2, 20});
    EXPECT_EQ(changes_, 0);
}

// Near a limit, with a load that comes and goes: each vain try doubles the wait for the next.
TEST_F(Rates, NeverOscillates)
{
    for (const double noise : {0.1, 0.5}) {
        rate_.forget();
        changes_ = 0;
        for (int i = 0; i < 20000; ++i)
            frame(i / 100 % 2 ? Machine{4, 70, noise} : Machine{4, 30, noise});
        EXPECT_LE(changes_, 60) << "in eleven minutes, " << noise;
    }
}

TEST_F(Rates, ThereIsASmallestSize)
{
    missed({50, 500}, 1000);
    EXPECT_EQ(rate_.scale(), 0.24);
    EXPECT_LE(changes_, 1);
}

class RatesWithAQuickNet : public Rates
{
protected:
    void SetUp() override { rate_.set_has_quick(true); }
};

TEST_F(RatesWithAQuickNet, AQuickMachineHasNoUseForIt)
{
    EXPECT_EQ(missed({2, 20}, 2000), 0);
    EXPECT_FALSE(rate_.quick());
    EXPECT_EQ(rate_.quality(), 1);
}

// Two AVX2 cores at 1280 × 720: 77 ms with the whole style, 28 with its quick net. That is tight: once in a
// while three frames in a row are late, and then the size gives way too.
TEST_F(RatesWithAQuickNet, ItComesBeforeASmallerSize)
{
    for (const double whole : {32., 40., 50., 60.}) {
        SCOPED_TRACE(whole);
        rate_.forget();
        changes_ = 0;
        EXPECT_LE(missed({1, whole}, 3000), 8);
        EXPECT_TRUE(rate_.quick());
        EXPECT_EQ(rate_.scale(), 1);
        EXPECT_LE(rate_.quality(), 0.37);
        EXPECT_LE(changes_, 11) << "each vain try to go up doubles the wait for the next";
    }
}

TEST_F(RatesWithAQuickNet, BehindItComeSmallerSizes)
{
    EXPECT_LE(missed({1, 150}, 3000), 6);
    EXPECT_TRUE(rate_.quick());
    EXPECT_LT(rate_.scale(), 1);
    EXPECT_GT(1 + 150 * 0.37 * rate_.scale() * rate_.scale(), 12) << "and no smaller than needed";
}

TEST_F(RatesWithAQuickNet, GoesBackUpByAllLevelsToTheWholeStyle)
{
    missed({4, 400}, 300);
    EXPECT_LT(rate_.scale(), 0.6);
    EXPECT_EQ(missed({2, 20}, 91 * 9), 0);
    EXPECT_FALSE(rate_.quick());
    EXPECT_EQ(rate_.scale(), 1);
}

// Two AVX2 cores at 1280 × 720: 53 ms with the whole style, 19.6 with its quick net, 6 for what is around
// them, 13 to make frames smaller and paintings larger. After a busy second full size is better than most
// smaller ones, and quicker.
TEST_F(RatesWithAQuickNet, SizesThatCostMoreThanTheySaveArePassedOver)
{
    const Machine idle{6, 53, 0.1, 0.37, 13};
    const Machine busy{9, 80, 0.1, 0.37, 20};
    missed(idle, 90);
    EXPECT_EQ(rate_.quality(), 0.37);
    missed(busy, 30);
    EXPECT_LT(rate_.scale(), 0.5) << "smaller ones are late";
    changes_ = 0;
    EXPECT_EQ(missed(idle, 91 * 6), 0);
    EXPECT_EQ(rate_.quality(), 0.37);
    EXPECT_LE(changes_, 6);
    missed(idle, 3000);
    EXPECT_EQ(rate_.quality(), 0.37);
}

// How much quicker the quick net is differs between machines, and near a limit the load comes and goes.
TEST_F(RatesWithAQuickNet, NeverOscillates)
{
    for (const double quick : {0.25, 0.37, 0.5, 0.7})
        for (const double noise : {0.1, 0.5}) {
            SCOPED_TRACE(std::to_string(quick) + ", " + std::to_string(noise));
            rate_.forget();
            changes_ = 0;
            for (int i = 0; i < 20000; ++i)
                frame(i / 100 % 2 ? Machine{4, 70, noise, quick} : Machine{4, 30, noise, quick});
            EXPECT_LE(changes_, 60) << "in eleven minutes";
        }
}

TEST_F(RatesWithAQuickNet, AnotherStyleBeginsAtItsBest)
{
    missed({4, 150}, 300);
    rate_.set_has_quick(true);
    EXPECT_TRUE(rate_.quick()) << "no news";
    rate_.set_has_quick(false);
    EXPECT_FALSE(rate_.quick());
    EXPECT_EQ(rate_.quality(), 1);
}

// For the first frame of a size a plan is made; it says nothing.
TEST_F(Rates, TheFirstFrameOfASizeDoesNotCount)
{
    EXPECT_FALSE(rate_.handled(1'000'000'000, 1'000'000'000, 33'000'000));
    for (int i = 0; i < 2; ++i)
        EXPECT_FALSE(rate_.handled(1'000'000'000, 1'000'000'000, 33'000'000));
    EXPECT_TRUE(rate_.handled(1'000'000'000, 1'000'000'000, 33'000'000));
    EXPECT_LT(rate_.scale(), 1);
}

} // namespace
} // namespace anime
