// SPDX-License-Identifier: LGPL-2.1-or-later
// Largest first, each as low as those that live at the same time leave room.
#include "plugins/torch/cuda/arena.h"

#include <algorithm>
#include <numeric>

namespace anime::cuda
{

namespace
{

constexpr std::size_t alignment = 512;

struct Life {
    int first = -1; ///< step
    int last = -1;
    std::size_t bytes = 0;
    std::size_t address = 0;

    bool meets(const Life &other) const { return first <= other.last && other.first <= last; }
};

std::vector<Life> lives_of(const std::vector<Step> &steps, const std::vector<std::size_t> &sizes)
{
    std::vector<Life> lives(sizes.size());
    for (std::size_t i = 0; i < sizes.size(); ++i)
        lives[i].bytes = (sizes[i] + alignment - 1) / alignment * alignment;
    for (std::size_t n = 0; n < steps.size(); ++n) {
        Step step = steps[n];
        std::visit(
            [&](auto &of) {
                of.pointers([&](auto *pointer) {
                    const int buffer = place_of(pointer).buffer - first_of_arena;
                    if (!pointer || buffer < 0)
                        return;
                    Life &life = lives[buffer];
                    life.first = life.first < 0 ? static_cast<int>(n) : life.first;
                    life.last = static_cast<int>(n);
                });
            },
            step);
    }
    return lives;
}

} // namespace

Layout lay_out(const std::vector<Step> &steps, const std::vector<std::size_t> &sizes)
{
    std::vector<Life> lives = lives_of(steps, sizes);
    std::vector<std::size_t> order(lives.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return lives[a].bytes > lives[b].bytes; });

    Layout out;
    std::vector<const Life *> placed; // by address
    for (std::size_t n : order) {
        Life &life = lives[n];
        for (const Life *other : placed)
            if (life.meets(*other) && other->address < life.address + life.bytes)
                life.address = std::max(life.address, other->address + other->bytes);
        placed.insert(std::upper_bound(placed.begin(), placed.end(), &life,
                                       [](const Life *a, const Life *b) { return a->address < b->address; }),
                      &life);
        out.bytes = std::max(out.bytes, life.address + life.bytes);
    }
    for (const Life &life : lives)
        out.addresses.push_back(life.address);
    return out;
}

} // namespace anime::cuda
