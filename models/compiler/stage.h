// SPDX-License-Identifier: LGPL-2.1-or-later
// One operation of a plan: it computes rows of its outputs from rows of its inputs, in order from the top.
#pragma once

#include "models/compiler/tensor.h"
#include "models/image.h"

#include <span>
#include <string>
#include <vector>

namespace anime::compiler
{

struct ConvSpec;

struct Rows {
    int begin = 0;
    int end = 0;

    int count() const { return end - begin; }
};

/// The pictures of the frame that is being painted. Stages keep a reference to the plan's one.
struct Frame {
    ConstImage in;
    Image out;
};

/// A value without width and height: what the global branch of a network computes.
using Vector = std::vector<float>;

class Stage
{
public:
    Stage(std::string name, int rows) : name(std::move(name)), rows(rows) {}
    virtual ~Stage() = default;
    Stage(const Stage &) = delete;
    Stage &operator=(const Stage &) = delete;

    /// The bordered rows of inputs[i] that the output rows `out` are computed from.
    virtual Rows needs(std::size_t i, Rows out) const = 0;
    /// It works on so many rows at once: where a run ends elsewhere, it computes some for nothing.
    virtual int row_step() const { return 1; }
    /// Called while the plan is built, once for each number of rows that run() will be called with.
    virtual void prepare(int count) {}
    /// Called once a frame, when every stage in `after` is done with it and before the first run().
    virtual void begin() {}
    virtual void run(Rows out) = 0;
    /// One line for the printed plan: what is fused and which kernel does it.
    virtual std::string describe() const { return {}; }
    /// Bytes that it holds besides its tensors.
    virtual std::size_t held_bytes() const { return 0; }
    /// Memory that run() needs and that other stages may use in between; asked when everything is prepared.
    virtual std::size_t scratch_bytes() const { return 0; }
    /// Multiplications and additions of a frame, in units of 10⁹.
    virtual double gmac() const { return 0; }
    /// The convolutions that it does. Not every stage that does one is a ConvStage.
    virtual std::span<const ConvSpec> convolutions() const { return {}; }

    const std::string name;
    const int rows; ///< of its outputs; of its input where it has none
    std::vector<Tensor *> inputs;
    std::vector<Tensor *> outputs;
    std::vector<const Stage *> after; ///< have to be done with the whole frame before this one begins
    std::byte *scratch = nullptr;     ///< set by the plan
};

} // namespace anime::compiler
