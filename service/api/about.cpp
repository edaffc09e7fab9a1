// SPDX-License-Identifier: LGPL-2.1-or-later
// What the service says of itself: limits, styles, health.
#include "service/api/api.h"
#include "service/text.h"

#include <nlohmann/json.hpp>

namespace anime::service
{

std::optional<Response> Api::get_limits(ApiExchange &)
{
    const Limits &limits = shared_.options.limits;
    nlohmann::ordered_json service = nlohmann::ordered_json::object();
    for (const LimitSpec &spec : limit_specs())
        service[with_underscores(spec.name)] = limits.*spec.value;
    if (!shared_.engine.ready())
        return json_response(200, {{"ready", false}, {"service", service}});

    const EngineFacts &facts = shared_.engine.facts();
    nlohmann::ordered_json styles = nlohmann::ordered_json::array();
    for (const StyleEntry &style : facts.styles)
        styles.push_back(style.name);
    nlohmann::ordered_json upload = {{"max_bytes", limits.max_bytes}};
    if (facts.max_source_pixels > 0)
        upload["max_source_pixels"] = facts.max_source_pixels;
    if (facts.max_dimension > 0)
        upload["max_dimension"] = facts.max_dimension;
    if (!facts.source_formats.empty())
        upload["formats"] = facts.source_formats;
    nlohmann::ordered_json body = {
        {"ready", true},
        {"upload", upload},
        {"options",
         {{"style", {{"values", styles}, {"default", PaintOptions{}.style}}},
          {"format",
           {{"values", facts.formats.at(shared_.options.pipeline)},
            {"default", facts.formats.at(shared_.options.pipeline).front()}}},
          {"strength", {{"min", 0}, {"max", 1}, {"default", PaintOptions{}.strength}}},
          {"faces", {{"default", PaintOptions{}.faces}}},
          {"pipeline",
           {{"values", nlohmann::ordered_json::array()}, {"default", shared_.options.pipeline}}}}},
        {"service", service},
    };
    nlohmann::ordered_json quality = {{"min", 1}, {"max", 100}};
    if (const auto found = facts.qualities.find(shared_.options.pipeline); found != facts.qualities.end())
        for (const auto &[format, standard] : found->second)
            quality["default"][format] = standard;
    body["options"]["quality"] = quality;
    if (facts.scalable.contains(shared_.options.pipeline))
        body["options"]["max_dimension"] = {{"min", PaintChoices::least_dimension},
                                            {"max", facts.max_dimension},
                                            {"default", facts.max_dimension}};
    for (const auto &[name, formats] : facts.formats)
        body["options"]["pipeline"]["values"].push_back(name);
    return json_response(200, body);
}

std::optional<Response> Api::get_styles(ApiExchange &)
{
    nlohmann::ordered_json styles = nlohmann::ordered_json::array();
    if (shared_.engine.ready())
        for (const StyleEntry &style : shared_.engine.facts().styles)
            styles.push_back({{"name", style.name},
                              {"model", style.model},
                              {"description", style.description},
                              {"licence", style.licence},
                              {"default", style.name == PaintOptions{}.style}});
    return json_response(200, {{"styles", styles}});
}

std::optional<Response> Api::get_live(ApiExchange &)
{
    return json_response(200, {{"status", "alive"}});
}

std::optional<Response> Api::get_ready(ApiExchange &exchange)
{
    if (!shared_.engine.ready())
        return problem(exchange, make_problem("not-ready", "The model is still being loaded.",
                                              "Try again in a moment.", 2));
    if (shared_.board.draining())
        return problem(exchange, make_problem("draining", "The service is about to stop.",
                                              "Send new work to another instance.", 5));
    if (shared_.elsewhere && !shared_.elsewhere->reachable())
        return unreachable(exchange);
    return json_response(200, {{"status", "ready"}});
}

} // namespace anime::service
