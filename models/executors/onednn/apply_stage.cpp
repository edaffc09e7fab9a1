// SPDX-License-Identifier: LGPL-2.1-or-later
// The pass between two convolutions, chunk by chunk.
#include "models/executors/onednn/apply_stage.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace anime::onednn
{

namespace
{

constexpr float linear = 1.0F; ///< the slope of no activation

} // namespace

ApplyStage::ApplyStage(ApplySpec spec)
    : Stage(spec.name, spec.outputs.front()->height), spec_(std::move(spec))
{
    inputs = spec_.sources;
    for (const Tensor *source : spec_.sources)
        sources_.emplace_back(*source);
    if (spec_.residual) {
        inputs.push_back(spec_.residual);
        residual_.emplace(*spec_.residual);
    }
    outputs = spec_.outputs;
    for (Tensor *output : spec_.outputs)
        writers_.emplace_back(*output);
    const int pixels = chunk_pixels(outputs[0]->channels);
    direct_ = sources_.size() == 1 && inputs[0]->type == Type::bf16 && !residual_ && outputs.size() == 1 &&
              outputs[0]->type == Type::u8;
    if (direct_)
        zero_ = repeated(outputs[0]->quant->zero, pixels);
    scale_.resize(static_cast<std::size_t>(pixels) * outputs[0]->channels);
    shift_.resize(scale_.size());
}

Rows ApplyStage::needs(std::size_t i, Rows out) const
{
    if (i < sources_.size() && sources_.size() == 4)
        return {out.begin / 2, (out.end + 1) / 2};
    const int top = inputs[i]->border.top;
    return {top + out.begin, top + out.end};
}

void ApplyStage::begin()
{
    const int channels = outputs[0]->channels;
    const Affine affine = resolve(spec_.affine, channels);
    // The activation is homogeneous: act(x) / s = act(x / s), so the output's scale goes into the first step.
    for (std::size_t i = 0; i < scale_.size(); ++i) {
        const float unit = direct_ ? 1.0F / outputs[0]->quant->scale[i % channels] : 1.0F;
        scale_[i] = affine.scale[i % channels] * unit;
        shift_[i] = affine.shift[i % channels] * unit;
    }
}

void ApplyStage::gather(int x, int y, int pixels, float *out) const
{
    if (sources_.size() == 1) {
        sources_[0].read(x, y, pixels, out);
        return;
    }
    const int channels = outputs[0]->channels;
    std::array<float, chunk_room> phase;
    for (int odd = 0; odd < 2; ++odd) {
        // Pixels x + first, x + first + 2, … have the parity `odd`.
        const int first = (x + odd) % 2;
        const int count = (pixels - first + 1) / 2;
        if (count == 0)
            continue;
        sources_[y % 2 * 2 + odd].read((x + first) / 2, y / 2, count, phase.data());
        for (int i = 0; i < count; ++i)
            std::memcpy(out + (first + 2 * i) * channels, phase.data() + i * channels,
                        channels * sizeof(float));
    }
}

void ApplyStage::run_row(int y) const
{
    const Kernels &k = kernels();
    const int channels = outputs[0]->channels;
    const int step = chunk_pixels(channels);
    std::array<float, chunk_room> values;
    std::array<float, chunk_room> other;
    for (int x = 0; x < outputs[0]->width; x += step) {
        const int pixels = std::min(step, outputs[0]->width - x);
        const std::size_t n = static_cast<std::size_t>(pixels) * channels;
        gather(x, y, pixels, values.data());
        if (!spec_.affine.empty() || spec_.slope)
            k.affine(values.data(), scale_.data(), shift_.data(), spec_.slope.value_or(linear), n);
        if (residual_) {
            residual_->read(x, y, pixels, other.data());
            k.add(values.data(), other.data(), spec_.slope_after.value_or(linear), n);
        }
        for (const Writer &writer : writers_)
            writer.write(x, y, pixels, values.data());
    }
}

bool ApplyStage::run_row_bf16_u8(int y) const
{
    if (!direct_)
        return false;
    const int channels = outputs[0]->channels;
    const int step = chunk_pixels(channels);
    const auto *in = reinterpret_cast<const std::uint16_t *>(inputs[0]->row(y));
    auto *out = reinterpret_cast<std::uint8_t *>(outputs[0]->row(y));
    const std::size_t total = static_cast<std::size_t>(outputs[0]->width) * channels;
    for (std::size_t i = 0; i < total; i += step * channels)
        kernels().affine_bf16_u8(in + i, scale_.data(), shift_.data(), spec_.slope.value_or(linear),
                                 zero_.data(), out + i, std::min<std::size_t>(step * channels, total - i));
    return true;
}

void ApplyStage::run(Rows rows)
{
#pragma omp parallel for schedule(static)
    for (int y = rows.begin; y < rows.end; ++y) {
        if (!run_row_bf16_u8(y))
            run_row(y);
        for (const Tensor *output : outputs)
            output->fill_sides(y);
    }
    for (const Tensor *output : outputs)
        output->fill_ends(rows.begin, rows.end);
}

std::string ApplyStage::describe() const
{
    std::string text = sources_.size() == 4 ? "interleave phases" : "pass";
    if (!spec_.affine.moments.empty())
        text += " + norm";
    if (spec_.affine.modulation)
        text += " + modulation";
    if (spec_.slope)
        text += " + activation";
    if (residual_)
        text += " + residual";
    if (spec_.slope_after)
        text += " + activation";
    return text;
}

} // namespace anime::onednn
