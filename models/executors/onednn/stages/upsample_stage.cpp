// SPDX-License-Identifier: LGPL-2.1-or-later
// Bilinear ×2 upsampling: blend two rows, then columns.
#include "models/executors/onednn/stages/upsample_stage.h"

#include "models/executors/onednn/stages/each_row.h"

#include <omp.h>

#include <algorithm>
#include <array>

namespace anime::onednn
{

Sample upsampled_from(int i, int n, Upsampling mode)
{
    if (mode == Upsampling::legacy)
        return {i / 2, std::min((i + 1) / 2, n - 1), i % 2 ? 0.5F : 0.0F};
    const float at = mode == Upsampling::align_corners
                         ? static_cast<float>(i) * static_cast<float>(n - 1) / static_cast<float>(2 * n - 1)
                         : std::max(0.0F, (static_cast<float>(i) + 0.5F) / 2.0F - 0.5F);
    const int a = std::min(static_cast<int>(at), n - 1);
    return {a, std::min(a + 1, n - 1), at - static_cast<float>(a)};
}

UpsampleStage::UpsampleStage(UpsampleSpec spec)
    : Stage(spec.name, spec.outputs.front()->height), spec_(std::move(spec)), source_(*spec_.source)
{
    inputs = {spec_.source};
    if (spec_.residual) {
        inputs.push_back(spec_.residual);
        residual_.emplace(*spec_.residual);
    }
    outputs = spec_.outputs;
    for (Tensor *output : outputs)
        writers_.emplace_back(*output);
    for (int x = 0; x < outputs[0]->width; ++x)
        columns_.push_back(upsampled_from(x, spec_.source->width, spec_.mode));
    rows_.resize(static_cast<std::size_t>(2) * omp_get_max_threads() * spec_.source->width *
                 spec_.source->channels);
}

Rows UpsampleStage::needs(std::size_t i, Rows out) const
{
    const int top = inputs[i]->border.top;
    if (i == 1)
        return {top + out.begin, top + out.end};
    const int height = spec_.source->height;
    return {top + upsampled_from(out.begin, height, spec_.mode).a,
            top + upsampled_from(out.end - 1, height, spec_.mode).b + 1};
}

/// The two source rows of row `y`, blended into `line`.
void UpsampleStage::blend_rows(int y, float *line, float *other) const
{
    const Kernels &k = kernels();
    const Tensor &source = *spec_.source;
    const std::size_t n = static_cast<std::size_t>(source.width) * source.channels;
    const Sample rows = upsampled_from(y, source.height, spec_.mode);
    if (source.type == Type::bf16) {
        k.blend_bf16(reinterpret_cast<const std::uint16_t *>(source.row(rows.a)),
                     reinterpret_cast<const std::uint16_t *>(source.row(rows.b)), rows.weight, line, n);
        return;
    }
    const int step = chunk_pixels(source.channels);
    for (int x = 0; x < source.width; x += step) {
        const int pixels = std::min(step, source.width - x);
        const std::size_t at = static_cast<std::size_t>(x) * source.channels;
        source_.read(x, rows.a, pixels, line + at);
        source_.read(x, rows.b, pixels, other + at);
    }
    k.blend(line, other, rows.weight, line, n);
}

/// Adds the residual to `values`, activates and writes them.
void UpsampleStage::finish(int x, int y, int pixels, float *values) const
{
    const Kernels &k = kernels();
    const std::size_t n = static_cast<std::size_t>(pixels) * outputs[0]->channels;
    const float slope = spec_.slope.value_or(1.0F);
    std::array<float, chunk_room> added;
    if (residual_)
        residual_->read(x, y, pixels, added.data());
    else
        std::fill_n(added.data(), n, 0.0F);
    if (residual_ || spec_.slope)
        k.add(values, added.data(), slope, n);
    for (const Writer &writer : writers_)
        writer.write(x, y, pixels, values);
}

bool UpsampleStage::ends_in_bytes() const
{
    return spec_.source->type != Type::u8 && residual_ && spec_.residual->type == Type::u8 &&
           outputs.size() == 1 && outputs[0]->type == Type::u8;
}

template <typename Wide>
UpsampledRow<Wide> UpsampleStage::row_of_bytes(int y) const
{
    const Tensor &source = *spec_.source;
    const Sample rows = upsampled_from(y, source.height, spec_.mode);
    return {.above = reinterpret_cast<const Wide *>(source.row(rows.a)),
            .below = reinterpret_cast<const Wide *>(source.row(rows.b)),
            .weight = rows.weight,
            .samples = columns_.data(),
            .pixels = columns_.size(),
            .channels = static_cast<std::size_t>(source.channels),
            .residual = reinterpret_cast<const std::uint8_t *>(spec_.residual->row(y)),
            .scale = residual_->scale(),
            .shift = residual_->shift(),
            .slope = spec_.slope.value_or(1.0F),
            .unit = writers_[0].unit(),
            .zero = writers_[0].zero(),
            .out = reinterpret_cast<std::uint8_t *>(outputs[0]->row(y))};
}

void UpsampleStage::run_row(int y, float *line, float *other) const
{
    if (ends_in_bytes()) {
        if (spec_.source->type == Type::f32)
            kernels().upsample_row_f32(row_of_bytes<float>(y));
        else
            kernels().upsample_row_bf16(row_of_bytes<std::uint16_t>(y));
        return;
    }
    const int channels = spec_.source->channels;
    const int step = chunk_pixels(channels);
    blend_rows(y, line, other);
    std::array<float, chunk_room> values;
    for (int x = 0; x < outputs[0]->width; x += step) {
        const int pixels = std::min(step, outputs[0]->width - x);
        kernels().blend_pixels(line, columns_.data() + x, pixels, channels, values.data());
        finish(x, y, pixels, values.data());
    }
}

void UpsampleStage::run(Rows rows)
{
    const std::size_t row = static_cast<std::size_t>(spec_.source->width) * spec_.source->channels;
    const bool in_band = omp_in_parallel();
    each_row(rows, [&](int y) {
        float *line = rows_.data() + (in_band ? 0 : 2 * row * omp_get_thread_num());
        run_row(y, line, line + row);
        for (const Tensor *output : outputs)
            output->fill_sides(y);
    });
    for (const Tensor *output : outputs)
        output->fill_ends(rows.begin, rows.end);
}

} // namespace anime::onednn
