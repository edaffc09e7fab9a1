// SPDX-License-Identifier: LGPL-2.1-or-later
// What the service says of itself: limits, styles, health, its page.
#include "service/api_routes.h"
#include "service/resources.h"
#include "service/text.h"

#include <nlohmann/json.hpp>

#include <map>
#include <memory>

namespace anime::service
{

namespace
{

/// The page has no inline script or style and talks to this server only; blob: and data: are the pictures
/// that it shows before and after.
constexpr const char *content_security_policy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src "
    "'self'; "
    "manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

struct PageFile {
    std::string_view data;
    std::string type;
    std::string etag;
};

std::string type_of(const std::string &path)
{
    static const std::map<std::string, std::string> types = {
        {"html", "text/html; charset=utf-8"},
        {"css", "text/css; charset=utf-8"},
        {"js", "text/javascript; charset=utf-8"},
        {"json", "application/json"},
        {"svg", "image/svg+xml"},
        {"webmanifest", "application/manifest+json"},
        {"png", "image/png"},
        {"jpg", "image/jpeg"},
        {"webp", "image/webp"},
        {"ico", "image/x-icon"},
        {"txt", "text/plain; charset=utf-8"},
    };
    const auto found = types.find(path.substr(path.find_last_of('.') + 1));
    return found == types.end() ? "application/octet-stream" : found->second;
}

PageFile make_page(const std::string &path)
{
    const std::string_view data = resource(path);
    return {data, type_of(path), quoted_tag(sha256(data))};
}

/// Everything below /web is served by its path there; / is its index.html.
const std::map<std::string, PageFile> &pages()
{
    static const std::map<std::string, PageFile> pages = [] {
        std::map<std::string, PageFile> map;
        for (const std::string &path : resource_paths())
            if (path.starts_with("/web/"))
                map[path.substr(4)] = make_page(path);
        map["/openapi.json"] = make_page("/openapi.json");
        if (map.contains("/index.html"))
            map["/"] = map["/index.html"];
        return map;
    }();
    return pages;
}

} // namespace

bool is_page(const std::string &path)
{
    return pages().contains(path);
}

std::optional<Response> Api::get_page(ApiExchange &exchange, const std::string &)
{
    const PageFile &page = pages().at(exchange.path);
    Response response;
    response.header("Content-Type", page.type);
    response.header("ETag", page.etag);
    response.header("Cache-Control", "no-cache"); // asks each time, and mostly gets a 304
    response.header("Content-Security-Policy", content_security_policy);
    response.header("Referrer-Policy", "no-referrer");
    response.header("Cross-Origin-Opener-Policy", "same-origin");
    if (etag_matches(exchange.header("if-none-match"), page.etag)) {
        response.status = 304;
        return response;
    }
    response.body = SharedBody{page.data.data(), page.data.size(), nullptr};
    return response;
}

std::optional<Response> Api::get_limits(ApiExchange &, const std::string &)
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
    for (const auto &[name, formats] : facts.formats)
        body["options"]["pipeline"]["values"].push_back(name);
    return json_response(200, body);
}

std::optional<Response> Api::get_styles(ApiExchange &, const std::string &)
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

std::optional<Response> Api::get_live(ApiExchange &, const std::string &)
{
    return json_response(200, {{"status", "alive"}});
}

std::optional<Response> Api::get_ready(ApiExchange &exchange, const std::string &)
{
    if (!shared_.engine.ready())
        return problem(exchange, make_problem("not-ready", "The model is still being loaded.",
                                              "Try again in a moment.", 2));
    if (shared_.board.draining())
        return problem(exchange, make_problem("draining", "The service is about to stop.",
                                              "Send new work to another instance.", 5));
    return json_response(200, {{"status", "ready"}});
}

} // namespace anime::service
