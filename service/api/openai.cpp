// SPDX-License-Identifier: LGPL-2.1-or-later
// POST /v1/images/edits as OpenAI's images API has it, so that its clients work by their base URL. What has
// no meaning here is refused where the picture would be another one, and read over where it would not.
#include "service/api/api.h"
#include "service/api/job_json.h"
#include "service/text.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <charconv>

namespace anime::service
{

namespace
{

using Set = std::optional<Problem> (*)(ApiExchange &exchange, const std::string &value);

constexpr std::size_t most_shown_characters = 60;

Problem impossible(const char *name, const std::string &value, const std::string &remedy)
{
    const std::string shown = clean_text(value, most_shown_characters);
    return make_problem("option-invalid", "'" + shown + "' is not possible for '" + name + "'.", remedy);
}

std::optional<Problem> ignore(ApiExchange &, const std::string &)
{
    return std::nullopt;
}

/// A style by its name; the names of OpenAI's own models mean the default one.
std::optional<Problem> set_model(ApiExchange &exchange, const std::string &value)
{
    if (value.empty() || value.starts_with("gpt-") || value.starts_with("dall-e") ||
        value.starts_with("chatgpt-"))
        return std::nullopt;
    return exchange.choices->set("style", value);
}

std::optional<Problem> set_count(ApiExchange &, const std::string &value)
{
    if (value == "1")
        return std::nullopt;
    return impossible("n", value, "Ask for one picture; the same photo always gives the same one.");
}

/// 1024x1536: the longest side. The photo keeps its shape.
std::optional<Problem> set_size(ApiExchange &exchange, const std::string &value)
{
    if (value == "auto")
        return std::nullopt;
    int width = 0;
    int height = 0;
    const char *end = value.data() + value.size();
    const auto first = std::from_chars(value.data(), end, width);
    if (first.ec == std::errc{} && first.ptr != end && *first.ptr == 'x') {
        const auto second = std::from_chars(first.ptr + 1, end, height);
        if (second.ec == std::errc{} && second.ptr == end)
            return exchange.choices->set("max_dimension", std::to_string(std::max(width, height)));
    }
    return impossible("size", value,
                      "Possible: auto, or WIDTHxHEIGHT, whose longer side bounds the picture's.");
}

std::optional<Problem> set_response_format(ApiExchange &, const std::string &value)
{
    if (value == "b64_json")
        return std::nullopt;
    return impossible("response_format", value, "Possible: b64_json.");
}

std::optional<Problem> set_output_format(ApiExchange &exchange, const std::string &value)
{
    exchange.edit.output_format = value;
    return exchange.choices->set("format", value);
}

std::optional<Problem> set_compression(ApiExchange &exchange, const std::string &value)
{
    return value == "100" && exchange.edit.output_format == "png" ? std::nullopt
                                                                  : exchange.choices->set("quality", value);
}

std::optional<Problem> set_background(ApiExchange &, const std::string &value)
{
    if (value == "auto" || value == "opaque")
        return std::nullopt;
    return impossible("background", value, "Possible: auto, opaque.");
}

std::optional<Problem> set_stream(ApiExchange &, const std::string &value)
{
    if (value == "false")
        return std::nullopt;
    return impossible("stream", value, "Possible: false. /v1/jobs tells of each step.");
}

struct Field {
    const char *name;
    Set set;
};

constexpr Field edit_field_table[] = {
    {"prompt", ignore}, // a style says what is painted
    {"model", set_model},
    {"n", set_count},
    {"size", set_size},
    {"response_format", set_response_format},
    {"output_format", set_output_format},
    {"output_compression", set_compression},
    {"quality", ignore}, // auto, low, medium, high: of OpenAI's models
    {"input_fidelity", ignore},
    {"moderation", ignore},
    {"partial_images", ignore},
    {"user", ignore},
    {"background", set_background},
    {"stream", set_stream},
};

const Field *find_field(const std::string &name)
{
    const auto *found = std::find_if(std::begin(edit_field_table), std::end(edit_field_table),
                                     [&](const Field &field) { return field.name == name; });
    return found == std::end(edit_field_table) ? nullptr : found;
}

} // namespace

FormFields Api::edit_fields(ApiExchange &exchange)
{
    FormFields fields;
    fields.file = "image";
    fields.most_value_bytes = 32 << 10; // of a prompt
    fields.has = [&exchange](const std::string &name) { return find_field(name) || PaintChoices::has(name); };
    fields.set = [&exchange](const std::string &name, const std::string &value) -> std::optional<Problem> {
        if (const Field *field = find_field(name))
            return field->set(exchange, value);
        if (name == "mask")
            return make_problem("option-invalid", "A mask is not possible here: the whole photo is painted.",
                                "Leave it out.");
        return exchange.choices->set(name, value);
    };
    return fields;
}

std::optional<Response> Api::post_edit(ApiExchange &exchange)
{
    if (exchange.choices->options().format.empty())
        exchange.choices->set("format", exchange.edit.output_format);
    if (auto refusal = submit_and_stay(exchange))
        return refuse(exchange, *refusal, "admission");
    return go_on_with_edit(exchange);
}

std::optional<Response> Api::go_on_with_edit(ApiExchange &exchange)
{
    auto awaited = await_picture(exchange);
    if (!awaited)
        return std::nullopt;
    if (auto *answer = std::get_if<Response>(&*awaited))
        return std::move(*answer);
    const auto &[job, picture] = std::get<Awaited>(*awaited);
    nlohmann::ordered_json head = {
        {"created", std::chrono::system_clock::to_time_t(job.created)},
        {"background", "opaque"},
        {"output_format", picture->info.media_type.substr(6)},
    };
    if (job.picture->processed.width > 0)
        head["size"] = text_of(job.picture->processed);
    Response response = json_with_picture(head, ",\"data\":[{\"b64_json\":\"", picture, "\"}]}\n");
    add_picture_headers(response, job);
    return response;
}

} // namespace anime::service
