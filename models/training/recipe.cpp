// SPDX-License-Identifier: LGPL-2.1-or-later
// How a default is trained: a key file with the seed, the data, and phases that follow each other.
#include "models/training/recipe.h"

#include <glib.h>

#include <cmath>
#include <filesystem>
#include <memory>
#include <numbers>
#include <stdexcept>

namespace anime::training
{
namespace
{

class KeyFile
{
public:
    explicit KeyFile(const std::string &path) : path_(path), file_(g_key_file_new(), g_key_file_unref)
    {
        GError *error = nullptr;
        g_key_file_load_from_file(file_.get(), path.c_str(), G_KEY_FILE_NONE, &error);
        check(error);
    }

    bool has(const std::string &group) const { return g_key_file_has_group(file_.get(), group.c_str()); }

    bool has(const std::string &group, const char *key) const
    {
        return g_key_file_has_key(file_.get(), group.c_str(), key, nullptr) != FALSE;
    }

    std::string digest() const
    {
        gsize length = 0;
        const std::unique_ptr<char, decltype(&g_free)> text(g_key_file_to_data(file_.get(), &length, nullptr),
                                                            g_free);
        const std::unique_ptr<char, decltype(&g_free)> digest(
            g_compute_checksum_for_string(G_CHECKSUM_SHA256, text.get(), static_cast<gssize>(length)),
            g_free);
        return digest.get();
    }

    double number(const std::string &group, const char *key) const
    {
        GError *error = nullptr;
        const double value = g_key_file_get_double(file_.get(), group.c_str(), key, &error);
        check(error);
        return value;
    }

    double number(const std::string &group, const char *key, double otherwise) const
    {
        return has(group, key) ? number(group, key) : otherwise;
    }

    std::string text(const std::string &group, const char *key) const
    {
        GError *error = nullptr;
        const std::unique_ptr<char, decltype(&g_free)> value(
            g_key_file_get_string(file_.get(), group.c_str(), key, &error), g_free);
        check(error);
        return value.get();
    }

private:
    void check(GError *error) const
    {
        if (error != nullptr) {
            const std::string message = path_ + ": " + error->message;
            g_error_free(error);
            throw std::runtime_error(message);
        }
    }

    std::string path_;
    std::unique_ptr<GKeyFile, decltype(&g_key_file_unref)> file_;
};

} // namespace

std::uint64_t Recipe::steps() const
{
    std::uint64_t sum = 0;
    for (const Phase &phase : phases) {
        sum += phase.steps;
    }
    return sum;
}

Moment moment(const Recipe &recipe, std::uint64_t step)
{
    for (const Phase &phase : recipe.phases) {
        if (step < phase.steps) {
            const auto at = static_cast<double>(step);
            const double part = at / static_cast<double>(phase.steps);
            double rate = phase.rate_last +
                          (phase.rate_first - phase.rate_last) * (1 + std::cos(std::numbers::pi * part)) / 2;
            if (step < phase.warm_up) {
                rate *= (at + 1) / static_cast<double>(phase.warm_up);
            }
            return {&phase, rate};
        }
        step -= phase.steps;
    }
    throw std::out_of_range("the recipe ends before this step");
}

Recipe read_recipe(const std::string &path, const std::string &cache)
{
    const KeyFile file(path);
    Recipe recipe;
    recipe.name = file.text("recipe", "name");
    recipe.digest = file.digest();
    recipe.description = file.text("recipe", "description");
    const std::filesystem::path folder = std::filesystem::path(path).parent_path();
    if (file.has("recipe", "start")) {
        recipe.start = (folder / file.text("recipe", "start")).lexically_normal();
    }
    recipe.seed = static_cast<std::uint64_t>(file.number("recipe", "seed"));
    recipe.batch = static_cast<int>(file.number("recipe", "batch"));
    recipe.crop = static_cast<int>(file.number("recipe", "crop"));
    recipe.colours = file.number("recipe", "colours", 0);
    recipe.average = file.number("recipe", "average");
    for (int i = 1; file.has("phase " + std::to_string(i)); ++i) {
        const std::string group = "phase " + std::to_string(i);
        Phase phase;
        phase.steps = static_cast<std::uint64_t>(file.number(group, "steps"));
        phase.rate_first = file.number(group, "rate-first");
        phase.rate_last = file.number(group, "rate-last");
        phase.warm_up = static_cast<std::uint64_t>(file.number(group, "warm-up", 0));
        phase.weights.l1 = file.number(group, "l1");
        phase.weights.edges = file.number(group, "edges", 0);
        phase.weights.energy = file.number(group, "energy", 0);
        phase.weights.colour = file.number(group, "colour", 0);
        recipe.phases.push_back(phase);
    }
    for (int i = 1; file.has("photos " + std::to_string(i)); ++i) {
        const std::string group = "photos " + std::to_string(i);
        Source source;
        source.photos = (folder / file.text(group, "path")).lexically_normal();
        source.cache = cache + "/" + file.text(group, "cache");
        source.size.max_side = static_cast<int>(file.number(group, "max-side", 0));
        source.size.enlarge = file.number(group, "enlarge", 1);
        source.held_out_every = static_cast<int>(file.number(group, "held-out-every", 0));
        source.train_every = static_cast<int>(file.number(group, "train-every", 1));
        source.mirror = file.number(group, "mirror", 1) != 0;
        if (source.train_every < 1) {
            throw std::runtime_error(path + ": train-every is at least 1");
        }
        recipe.sources.push_back(source);
    }
    if (recipe.batch < 1 || recipe.crop < 48 || recipe.crop % 4 != 0 || recipe.phases.empty() ||
        recipe.sources.empty()) {
        throw std::runtime_error(path +
                                 ": a recipe has batch ≥ 1, crop ≥ 48 in multiples of 4, phases and photos");
    }
    return recipe;
}

} // namespace anime::training
