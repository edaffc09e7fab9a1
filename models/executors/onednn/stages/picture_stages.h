// SPDX-License-Identifier: LGPL-2.1-or-later
// The two ends of a plan: the picture in, padded and unshuffled; the picture out, shuffled and cropped.
#pragma once

#include "models/compiler/stage.h"
#include "models/executors/onednn/compiler_names.h"

namespace anime::onednn
{

class ReadStage final : public Stage
{
public:
    /// `factor` > 1 unshuffles.
    ReadStage(const Frame &frame, int factor, std::vector<Tensor *> outputs);

    Rows needs(std::size_t, Rows) const override { return {}; }
    void run(Rows rows) override;
    std::string describe() const override { return "read picture"; }

private:
    template <typename T>
    void read_row(const Tensor &out, int y) const;

    const Frame &frame_;
    int factor_;
};

class WriteStage final : public Stage
{
public:
    /// `factor` > 1 shuffles. Clamps to [-1, 1] in any case, which tanh does not need.
    WriteStage(const Frame &frame, int factor, Tensor &in);

    Rows needs(std::size_t, Rows out) const override;
    void run(Rows rows) override;
    std::string describe() const override { return "write picture"; }

private:
    void write_row(int y) const;

    const Frame &frame_;
    int factor_;
    Tensor &in_;
};

} // namespace anime::onednn
