// SPDX-License-Identifier: LGPL-2.1-or-later
// The pass between two convolutions, chunk by chunk.
#include "models/executors/onednn/stages/apply_stage.h"

#include "models/executors/onednn/stages/each_row.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace anime::onednn
{

namespace
{

constexpr float linear = 1.0F; ///< the slope of no activation

void run_pass(const Pass<std::uint16_t> &pass)
{
    kernels().pass_bf16(pass);
}

void run_pass(const Pass<float> &pass)
{
    kernels().pass_f32(pass);
}

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
    one_loop_ = fits_one_loop();
    if (one_loop_)
        for (Tensor *output : outputs)
            (output->type == Type::u8 ? bytes_ : wide_) = output;
    if (bytes_) {
        for (float scale : bytes_->quant->scale)
            unit_.push_back(1.0F / scale);
        unit_ = repeated(unit_, pixels);
        zero_ = repeated(bytes_->quant->zero, pixels);
    }
    scale_.resize(static_cast<std::size_t>(pixels) * outputs[0]->channels);
    shift_.resize(scale_.size());
}

bool ApplyStage::fits_one_loop() const
{
    const Type wide = inputs[0]->type;
    const auto of = [](const std::vector<Tensor *> &tensors, Type type) {
        return static_cast<std::size_t>(std::count_if(tensors.begin(), tensors.end(),
                                                      [type](const Tensor *t) { return t->type == type; }));
    };
    const bool residual_fits = !residual_ || spec_.residual->type == wide || spec_.residual->type == Type::u8;
    return wide != Type::u8 && of(spec_.sources, wide) == spec_.sources.size() && residual_fits &&
           of(outputs, wide) <= 1 && of(outputs, Type::u8) <= 1 &&
           of(outputs, wide) + of(outputs, Type::u8) == outputs.size();
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
    for (std::size_t i = 0; i < scale_.size(); ++i) {
        scale_[i] = affine.scale[i % channels];
        shift_[i] = affine.shift[i % channels];
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

/// The pixels that start at (x, y); `pass` has their number, their layout and the source.
template <typename Wide>
void ApplyStage::run_piece(Pass<Wide> pass, int x, int y) const
{
    const auto at = [&](const Tensor &tensor) { return tensor.row(y) + x * tensor.pixel_bytes(); };
    if (!spec_.affine.empty() || spec_.slope) {
        pass.scale = scale_.data();
        pass.shift = shift_.data();
    }
    pass.unit = unit_.data();
    pass.zero = zero_.data();
    pass.slope = spec_.slope.value_or(linear);
    pass.slope_after = spec_.slope_after.value_or(linear);
    if (residual_ && spec_.residual->type == Type::u8) {
        pass.byte_residual = reinterpret_cast<const std::uint8_t *>(at(*spec_.residual));
        pass.residual_scale = residual_->scale();
        pass.residual_shift = residual_->shift();
    } else if (residual_) {
        pass.residual = reinterpret_cast<const Wide *>(at(*spec_.residual));
    }
    if (wide_)
        pass.wide = reinterpret_cast<Wide *>(at(*wide_));
    if (bytes_)
        pass.bytes = reinterpret_cast<std::uint8_t *>(at(*bytes_));
    run_pass(pass);
}

template <typename Wide>
void ApplyStage::run_row_in_one_loop(int y) const
{
    const int channels = outputs[0]->channels;
    const int width = outputs[0]->width;
    Pass<Wide> pass;
    if (sources_.size() == 4) {
        pass.values = channels;
        pass.distance = 2 * static_cast<std::size_t>(channels);
        for (int odd = 0; odd < 2; ++odd) {
            pass.in = reinterpret_cast<const Wide *>(inputs[y % 2 * 2 + odd]->row(y / 2));
            pass.pixels = width / 2;
            run_piece(pass, odd, y);
        }
        return;
    }
    const int step = chunk_pixels(channels);
    for (int x = 0; x < width; x += step) {
        pass.in =
            reinterpret_cast<const Wide *>(inputs[0]->row(y)) + static_cast<std::ptrdiff_t>(x) * channels;
        pass.values = static_cast<std::size_t>(std::min(step, width - x)) * channels;
        run_piece(pass, x, y);
    }
}

void ApplyStage::run(Rows rows)
{
    each_row(rows, [this](int y) {
        if (one_loop_ && inputs[0]->type == Type::f32)
            run_row_in_one_loop<float>(y);
        else if (one_loop_)
            run_row_in_one_loop<std::uint16_t>(y);
        else
            run_row(y);
        for (const Tensor *output : outputs)
            output->fill_sides(y);
    });
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
