// SPDX-License-Identifier: LGPL-2.1-or-later
// The training program: a toy teacher that is learned, resume without loss, the exported file.
#include "models/graph/architectures.h"
#include "models/training/cache.h"
#include "models/training/evaluate.h"
#include "models/training/export.h"
#include "models/training/image_files.h"
#include "models/training/padding.h"
#include "models/training/train.h"
#include "models/weights/mapped_file.h"
#include "models/weights/safetensors.h"
#include "tests/models/training/noise.h"

#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include <filesystem>
#include <fstream>

namespace anime::training
{
namespace
{

std::string temporary(const std::string &name)
{
    return ::testing::TempDir() + name;
}

/// Four smooth photos and a teacher that inverts them.
std::vector<Example> toy_examples()
{
    std::vector<Example> examples;
    for (int i = 0; i < 4; ++i) {
        const at::Tensor coarse = picture(8, 8, i).to(at::kFloat).unsqueeze(0);
        const at::Tensor photo = at::upsample_bilinear2d(coarse, {64, 64}, false)[0].to(at::kByte);
        examples.push_back(
            {"toy" + std::to_string(i), photo, 255 - photo, thumbnail_of(to_signed(photo).unsqueeze(0))[0]});
    }
    return examples;
}

Recipe toy_recipe(std::uint64_t steps)
{
    Recipe recipe;
    recipe.name = "toy";
    recipe.seed = 7;
    recipe.batch = 2;
    recipe.crop = 48;
    recipe.average = 0.9;
    recipe.phases = {{steps, 0.003, 0.001, 2, {.l1 = 1, .edges = 0.5, .energy = 0.1}}};
    return recipe;
}

/// Trains up to step `end` of the recipe; the loss of each step.
std::vector<double> run(Progress &progress, const Recipe &recipe, std::uint64_t end,
                        const Compute &compute = {})
{
    std::vector<double> losses;
    train(progress, recipe, toy_examples(), compute, [&](const Progress &now, double loss, double) {
        losses.push_back(loss);
        return now.step < end;
    });
    return losses;
}

double largest_difference(const Parameters &a, const Parameters &b)
{
    double largest = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
        largest = std::max(largest, (a[i].second - b[i].second).abs().max().item<double>());
    }
    return largest;
}

TEST(Device, IsTheOneThatWasNamed)
{
    EXPECT_TRUE(find_device("cpu").is_cpu());
}

TEST(Device, ThatIsNotThereIsRefusedWithWhatToDo)
{
    for (const char *name : {"cuda:99", "gpu", "vulkan", ""}) {
        try {
            find_device(name);
            ADD_FAILURE() << name << " was taken";
        } catch (const std::runtime_error &error) {
            EXPECT_NE(std::string(error.what()).find("'cpu', or 'cuda:N'"), std::string::npos) << name;
        }
    }
}

TEST(Split, TrainsOnEveryNthOfThePhotosThatAreNotKeptOut)
{
    const std::string folder = temporary("split");
    std::filesystem::create_directories(folder);
    for (int i = 0; i < 8; ++i) {
        std::ofstream(folder + "/" + std::to_string(i) + ".png");
    }
    Source source;
    source.photos = folder;
    source.held_out_every = 4;
    source.train_every = 3;
    const auto names = [&](Split split) {
        std::string all;
        for (const std::string &path : photos_of(source, split)) {
            all += std::filesystem::path(path).stem().string();
        }
        return all;
    };
    EXPECT_EQ(names(Split::held_out), "04");
    EXPECT_EQ(names(Split::training), "15");
}

TEST(Photos, AreEnlargedAndCutToMultiplesOfFour)
{
    const std::string path = temporary("small.png");
    write_picture(picture(30, 41, 1), path);
    EXPECT_EQ(read_photo(path, {}).sizes(), (at::IntArrayRef{3, 28, 40}));
    EXPECT_EQ(read_photo(path, {.enlarge = 2}).sizes(), (at::IntArrayRef{3, 60, 80}));
    EXPECT_EQ(read_photo(path, {.max_side = 30}).sizes(), (at::IntArrayRef{3, 20, 28}));
}

TEST(Reflect, PadsAndDifferentiatesLikeLibtorchs)
{
    const at::Tensor x = at::randn({2, 3, 9, 8}, at::kDouble).requires_grad_(true);
    const at::Tensor weights = at::randn({2, 3, 12, 11}, at::kDouble);
    const at::Tensor ours = reflect(x, 2, 1);
    const at::Tensor theirs = at::reflection_pad2d(x, {2, 1, 2, 1});
    EXPECT_TRUE(at::equal(ours, theirs));
    EXPECT_TRUE(at::allclose(torch::autograd::grad({(ours * weights).sum()}, {x})[0],
                             torch::autograd::grad({(theirs * weights).sum()}, {x})[0]));
}

TEST(Crops, AreAFunctionOfSeedAndStep)
{
    const std::vector<Example> examples = toy_examples();
    const Batch a = draw_batch(examples, 1, 5, 3, 48);
    EXPECT_TRUE(at::equal(a.photo, draw_batch(examples, 1, 5, 3, 48).photo));
    EXPECT_FALSE(at::equal(a.photo, draw_batch(examples, 1, 6, 3, 48).photo));
    EXPECT_TRUE(at::allclose(a.photo, -a.target, 0, 1e-5));
}

TEST(Crops, ComeFromLargePhotosMoreOften)
{
    std::vector<Example> examples = toy_examples();
    examples.resize(2);
    examples[0].target = at::zeros_like(examples[0].target);
    examples[1].photo = at::zeros({3, 192, 192}, at::kByte);
    examples[1].target = at::full({3, 192, 192}, 255, at::kByte);
    double large = 0;
    for (std::uint64_t step = 0; step < 50; ++step) {
        large += draw_batch(examples, 1, step, 4, 48).target.gt(0).to(at::kFloat).mean().item<double>() / 50;
    }
    EXPECT_NEAR(large, 0.9, 0.1); // 9 of 10 pixels
}

TEST(Training, LearnsAToyTeacher)
{
    const Recipe recipe = toy_recipe(40);
    Progress progress = start(recipe);
    const std::vector<double> losses = run(progress, recipe, 40);
    ASSERT_EQ(losses.size(), 40U);
    EXPECT_LT(losses.back(), 0.6 * losses.front());
}

TEST(Training, ResumedFromACheckpointGivesTheSameWeights)
{
    const Recipe recipe = toy_recipe(6);
    Progress whole = start(recipe);
    run(whole, recipe, 6);

    const std::string path = temporary("checkpoint.pt");
    Progress interrupted = start(recipe);
    run(interrupted, recipe, 3);
    save(interrupted, path);
    Progress resumed = load(path, recipe);
    EXPECT_EQ(resumed.step, 3U);
    run(resumed, recipe, 6);

    EXPECT_EQ(largest_difference(whole.weights, resumed.weights), 0);
    EXPECT_EQ(largest_difference(whole.average, resumed.average), 0);
}

TEST(Training, ACheckpointOfAnotherRecipeIsRefused)
{
    Recipe recipe = toy_recipe(6);
    recipe.digest = "before";
    const std::string path = temporary("other.pt");
    save(start(recipe), path);
    EXPECT_NO_THROW(load(path, recipe));
    recipe.digest = "after";
    EXPECT_THROW(load(path, recipe), std::runtime_error);
}

// Batches of 4 for 3 threads: 1, 1 and 2 crops, each of which counts the same. Crops of whole photos, because
// others count by what the mask leaves of them.
TEST(Training, EveryCropCountsTheSameHoweverManyThreads)
{
    Recipe recipe = toy_recipe(1);
    recipe.batch = 4;
    recipe.crop = 64;
    Progress alone = start(recipe);
    Progress shared = start(recipe);
    const double one = run(alone, recipe, 1, {.threads = 1}).front();
    const double three = run(shared, recipe, 1, {.threads = 3}).front();
    EXPECT_NEAR(one, three, 1e-5);
    EXPECT_LT(largest_difference(alone.first, shared.first), 1e-5);
}

TEST(Cache, KeepsPhotosOfOneNameApart)
{
    Source source;
    source.cache = "cache";
    EXPECT_NE(cached_path(source, "a/photo.jpg", false), cached_path(source, "b/photo.jpg", false));
    EXPECT_NE(cached_path(source, "a/photo.jpg", false), cached_path(source, "a/photo.png", false));
    EXPECT_NE(cached_path(source, "a/photo.jpg", false), cached_path(source, "a/photo.jpg", true));
}

TEST(Cache, OfAnotherTeacherIsRefused)
{
    const std::string folder = temporary("teachers");
    std::filesystem::remove_all(folder);
    std::filesystem::create_directories(folder + "/photos");
    write_picture(picture(16, 16, 1), folder + "/photos/one.png");
    Source source;
    source.photos = folder + "/photos";
    source.cache = folder + "/cache";
    const auto teacher = [&](std::uint64_t seed) {
        const std::string path = folder + "/" + std::to_string(seed) + ".safetensors";
        export_student(Student(seed), {}, path);
        return path;
    };
    fill_cache(source, teacher(1));
    EXPECT_NO_THROW(fill_cache(source, teacher(1)));
    EXPECT_THROW(fill_cache(source, teacher(2)), std::runtime_error);
    const Recipe recipe;
    EXPECT_EQ(load_examples(source, Split::training, recipe.colours).size(), 2U) << "and its mirror image";
}

TEST(Export, HasTheTensorsThatTheEngineAsksFor)
{
    const std::string path = temporary("student.safetensors");
    const Student student(1);
    ExportNotes notes;
    notes.name = "toy";
    export_student(student, notes, path);
    const MappedFile file(path);
    const Safetensors contents = parse_safetensors(file.bytes(), path);
    EXPECT_EQ(contents.metadata.at("architecture"), "lite");
    EXPECT_NE(contents.metadata.at("licence").find("non-commercial"), std::string::npos);
    EXPECT_NO_THROW(
        build_graph("lite", contents.tensors, parse_upsampling(contents.metadata.at("upsampling"))));
}

TEST(Training, BeginsWithTheWeightsThatTheRecipeNames)
{
    const std::string path = temporary("start.safetensors");
    export_student(Student(5), {}, path);
    Recipe recipe = toy_recipe(1);
    recipe.start = path;
    const Parameters weights = start(recipe).weights;
    const Student wanted(5);
    for (std::size_t i = 0; i < weights.size(); ++i) {
        EXPECT_TRUE(at::equal(weights[i].second, wanted.parameters()[i].second)) << weights[i].first;
    }
}

TEST(Recipe, WithoutPhasesIsRefusedByName)
{
    const std::string path = temporary("broken.recipe");
    std::ofstream(path) << "[recipe]\nname=x\ndescription=y\nseed=1\nbatch=1\ncrop=48\naverage=0.9\n";
    try {
        read_recipe(path, "cache");
        FAIL() << "it was accepted";
    } catch (const std::runtime_error &error) {
        EXPECT_NE(std::string(error.what()).find("broken.recipe"), std::string::npos);
    }
}

TEST(Curve, ComesBackAsItWasWritten)
{
    const std::string path = temporary("curve.csv");
    std::filesystem::remove(path);
    append_curve({2000, 0.25, {27.5, 0.875, 0.75, 2.5}}, path);
    append_curve({4000, 0.125, {28, 0.9, 0.95, 2}}, path);
    const std::vector<CurvePoint> points = read_curve(path);
    ASSERT_EQ(points.size(), 2U);
    EXPECT_EQ(points[1].step, 4000U);
    EXPECT_DOUBLE_EQ(points[0].scores.ssim, 0.875);
}

} // namespace
} // namespace anime::training
