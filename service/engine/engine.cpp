// SPDX-License-Identifier: LGPL-2.1-or-later
#include "service/engine/engine.h"

#include "models/painter.h"
#include "pipelines/runner.h"
#include "service/engine/element_messages.h"
#include "service/engine/encoder.h"
#include "service/resources.h"
#include "service/text.h"

#include <gst/gst.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <stdexcept>
#include <string_view>

namespace anime::service
{

namespace
{

using Clock = std::chrono::steady_clock;

constexpr const char *default_style = "default";
/// Descriptions come in twins: NAME, and NAME-png that makes a PNG of the same.
constexpr std::string_view png_suffix = "-png";

/// The others (films, cameras) are not even parsed: they may need plugins that a server does without.
bool may_be_served(const Description &description)
{
    return description.text.find("appsrc") != std::string::npos &&
           description.text.find("appsink") != std::string::npos;
}

bool is_served(const Pipeline &pipeline)
{
    return pipeline.has("input", "appsrc") && pipeline.has("output", "appsink");
}

std::string stage_of(const std::string &element)
{
    if (element == "sizeguard")
        return "decode";
    if (element == "facepaint")
        return "faces";
    if (element == "animeganfilter")
        return "paint";
    return "encode";
}

void configure(Pipeline &pipeline, const PaintOptions &options, std::int64_t max_bytes)
{
    if (pipeline.has("guard", "sizeguard")) {
        pipeline.set("guard", "max-bytes", max_bytes);
        if (options.max_dimension > 0)
            pipeline.set("guard", "max-dimension", std::int64_t{options.max_dimension});
    }
    if (options.quality > 0 && pipeline.has("encode", "jpegenc"))
        pipeline.set("encode", "quality", std::int64_t{options.quality});
    if (pipeline.has("faces", "facepaint")) {
        if (options.style != default_style)
            pipeline.set("faces", "model", options.style);
        if (!options.faces)
            pipeline.set("faces", "max-faces", std::int64_t{0});
    }
    if (pipeline.has("paint", "animeganfilter")) {
        // The default style is what the description itself says.
        if (options.style != default_style)
            pipeline.set("paint", "model", options.style);
        pipeline.set("paint", "strength", options.strength);
    }
}

std::string format_of(const std::string &media_type)
{
    return media_type.starts_with("image/") ? media_type.substr(6) : media_type;
}

double tenths(double milliseconds)
{
    return std::round(milliseconds * 10) / 10;
}

} // namespace

/// A description as it is run for one format.
struct Engine::Served {
    Description description;
    std::string digest;    ///< of it and of the models that paint its default style
    std::string encode_as; ///< what its PNG is made into; empty: it stays as it is
};

struct Engine::Descriptions {
    /// By name and format.
    std::map<std::pair<std::string, std::string>, Served> served;
};

Engine::Engine(const Options &options, Log &log)
    : options_(options), log_(log), descriptions_(std::make_unique<Descriptions>())
{
}

Engine::~Engine() = default;

void Engine::add_description(const std::string &name)
{
    const Description description = load_description(name);
    if (!may_be_served(description))
        return;
    Pipeline pipeline(description);
    if (!is_served(pipeline))
        return;
    PaintOptions options;
    options.pipeline = name;
    configure(pipeline, options, options_.limits.max_bytes);
    std::string model;
    std::string recipe = description.text;
    pipeline.on_message([&](const GstStructure *message) {
        if (gst_structure_has_name(message, "animeganfilter"))
            model = text_field(message, "model");
        if (const std::string digest = text_field(message, "digest"); !digest.empty())
            recipe += "\n" + digest;
    });
    const std::string_view photo = resource("/warm-up.jpg");
    const MemoryResult result = pipeline.run(std::make_shared<const Bytes>(photo.begin(), photo.end()));
    if (result.failure)
        throw PipelineError(*result.failure);

    const std::string base =
        name.ends_with(png_suffix) ? name.substr(0, name.size() - png_suffix.size()) : name;
    const std::string format = format_of(result.media_type);
    descriptions_->served[{base, format}] = {description, sha256(recipe), {}};
    if (base == options_.pipeline) {
        facts_.model = model;
        if (base == name || !facts_.formats.contains(base))
            read_guard(pipeline);
    }
    std::vector<std::string> &formats = facts_.formats[base];
    // The plain description's format is the first, so the default.
    formats.insert(base == name ? formats.begin() : formats.end(), format);
    if (pipeline.has("encode", "jpegenc"))
        facts_.qualities[base][format] =
            static_cast<int>(number_property(pipeline.element("encode").get(), "quality"));
    if (pipeline.has("guard", "sizeguard"))
        facts_.scalable.insert(base);
}

/// Each description that makes a PNG makes these of it too.
void Engine::add_encoded_formats()
{
    for (const EncoderFormat &format : encoder_formats()) {
        if (!format.missing.empty()) {
            log_.service(Level::warning, "Pictures can't be made as " + format.name + ": " + format.missing);
            continue;
        }
        for (auto &[name, formats] : facts_.formats) {
            const auto png = descriptions_->served.find({name, "png"});
            if (png == descriptions_->served.end() || descriptions_->served.contains({name, format.name}))
                continue;
            Served served = png->second;
            served.encode_as = format.name;
            descriptions_->served[{name, format.name}] = served;
            formats.push_back(format.name);
            facts_.qualities[name][format.name] = format.quality;
        }
    }
}

void Engine::warm_up()
{
    for (const std::string &name : description_names()) {
        try {
            add_description(name);
        } catch (const PipelineError &error) {
            const std::string message = "The description '" + name + "' can't be served: " + error.what() +
                                        " (" + error.failure().code + ")";
            if (name == options_.pipeline)
                throw std::runtime_error(message);
            log_.service(Level::warning, message);
        }
    }
    if (!facts_.formats.contains(options_.pipeline))
        throw std::runtime_error("No description named '" + options_.pipeline +
                                 "' with an appsrc named input and an appsink named output was found.");
    add_encoded_formats();
    // A description may paint with no style at all, or with a file that is none.
    StyleEntry standard{default_style, default_style, facts_.model, {}};
    for (const StyleInfo &style : list_styles()) {
        if (style.available && style.name != default_style) {
            facts_.styles.push_back({style.name, style.name, style.description, style.licence});
            style_digest(style.name); // read now, so that no request waits for it
        }
        if (style.name == facts_.model)
            standard = {default_style, style.name, style.description, style.licence};
    }
    facts_.styles.insert(facts_.styles.begin(), standard);
    ready_ = true;
}

void Engine::read_guard(const Pipeline &pipeline)
{
    const ElementPtr guard = pipeline.element("guard");
    if (!guard)
        return;
    facts_.max_source_pixels = number_property(guard.get(), "max-source-pixels");
    facts_.max_dimension = number_property(guard.get(), "max-dimension");
    facts_.source_formats = media_types_property(guard.get(), "formats");
}

std::string Engine::painter_digest(const PaintOptions &options) const
{
    const Served &served = descriptions_->served.at({options.pipeline, options.format});
    if (options.style == default_style)
        return served.digest;
    return sha256(served.description.text + "\n" + style_digest(options.style));
}

std::string Engine::digest() const
{
    std::string recipe = ANIME_VERSION;
    for (const auto &[name, served] : descriptions_->served)
        recipe += "\n" + name.first + " " + name.second + " " + served.digest;
    for (const StyleEntry &style : facts_.styles)
        if (style.name != default_style)
            recipe += "\n" + style.name + " " + style_digest(style.name);
    return sha256(recipe);
}

Engine::Outcome Engine::run(const Run &run, const Progress &progress) const
{
    const auto begin = Clock::now();
    PictureInfo info;
    Timings &timings = info.timings;
    timings.receive = run.receive_ms;
    timings.queue = milliseconds(begin - run.queued);
    std::string stage = "decode";
    MemoryResult result = run_pipeline(run, info, [&](const Step &step) {
        stage = step.stage;
        progress(stage, step.fraction);
    });

    const double run_ms = milliseconds(Clock::now() - begin);
    timings.encode = std::max(0.0, run_ms - timings.decode - timings.faces - timings.wait - timings.paint);
    timings.total = timings.receive + timings.queue + run_ms;
    if (result.failure)
        return {nullptr, failed(run, *std::move(result.failure), info, stage, run_ms)};
    info.media_type = result.media_type;
    info.bytes = result.output.size();
    result.output.shrink_to_fit();
    auto picture = std::make_shared<Picture>();
    picture->info = std::move(info);
    picture->data = std::make_shared<const Bytes>(std::move(result.output));
    return {std::move(picture), std::nullopt};
}

/// `info` gets what the elements tell of the picture, `on_step` each stage that they come to.
MemoryResult Engine::run_pipeline(const Run &run, PictureInfo &info,
                                  const std::function<void(const Step &)> &on_step) const
{
    MemoryResult result;
    try {
        const Served &served = descriptions_->served.at({run.options.pipeline, run.options.format});
        Pipeline pipeline(served.description);
        if (!served.encode_as.empty() && pipeline.has("encode", "pngenc"))
            pipeline.set("encode", "compression-level", std::int64_t{0}); // nobody gets this one
        configure(pipeline, run.options, options_.limits.max_bytes);
        pipeline.on_message([&](const GstStructure *message) {
            log_message(log_, run.request_id, message);
            if (const Step step = read_message(message, info); step.stage)
                on_step(step);
        });
        RunLimits limits;
        limits.moving_deadline = &run.deadline;
        limits.cancel = &run.cancel;
        result = pipeline.run(run.input, limits);
        if (!result.failure && !served.encode_as.empty()) {
            result.output = encode(result.output, served.encode_as, run.options.quality);
            result.media_type = "image/" + served.encode_as;
        }
    } catch (const PipelineError &error) {
        result.failure = error.failure();
    }
    return result;
}

/// `stage` was at work when it failed.
Problem Engine::failed(const Run &run, RunFailure failure, const PictureInfo &info, const std::string &stage,
                       double run_ms) const
{
    if (failure.code == "deadline") {
        failure.limit = static_cast<std::uint64_t>(options_.limits.deadline);
        failure.message =
            "The picture was not ready within " + std::to_string(options_.limits.deadline) + " s.";
        failure.remedy = "Try again when the service is less busy, or send a smaller photo.";
    }
    const Problem problem = make_problem(failure, 5);
    // A deadline and a cancel belong to no element: they hit the stage that was at work.
    log_.failure(run.request_id, problem, failure.element.empty() ? stage : stage_of(failure.element),
                 {{"bytes", run.input->size()},
                  {"source_width", info.source.width},
                  {"source_height", info.source.height},
                  {"pipeline", run.options.pipeline},
                  {"style", run.options.style},
                  {"format", run.options.format},
                  {"queue_ms", tenths(info.timings.queue)},
                  {"run_ms", tenths(run_ms)}},
                 failure.element);
    return problem;
}

} // namespace anime::service
