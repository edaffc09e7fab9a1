// SPDX-License-Identifier: LGPL-2.1-or-later
// Routing and admission; the routes themselves are in api_jobs.cpp and api_info.cpp.
#include "service/api.h"

#include "service/api_routes.h"
#include "service/http/address.h"
#include "service/memory.h"
#include "service/text.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <set>

namespace anime::service
{

namespace
{

using Clock = std::chrono::steady_clock;

/// Of each thing that a client wrote.
constexpr std::size_t most_logged_characters = 200;

/// A client may make up any number of methods; the metrics remember each label for ever.
const char *method_label(const std::string &method)
{
    for (const char *known : {"GET", "HEAD", "POST", "DELETE"})
        if (method == known)
            return known;
    return "other";
}

double seconds_since(Clock::time_point time)
{
    return std::chrono::duration<double>(Clock::now() - time).count();
}

std::optional<bool> boolean_of(const std::string &text)
{
    if (text == "true" || text == "1" || text == "on")
        return true;
    if (text == "false" || text == "0" || text == "off")
        return false;
    return std::nullopt;
}

template <typename Range, typename Name>
std::string names_of(const Range &range, Name name)
{
    std::string names;
    for (const auto &item : range)
        names += (names.empty() ? "" : ", ") + name(item);
    return names;
}

} // namespace

Api::Api(const Shared &shared)
    : shared_(shared), proxies_(shared.options.trusted_proxies),
      limiter_(static_cast<double>(shared.options.limits.rate),
               static_cast<double>(shared.options.limits.burst))
{
}

const std::vector<Api::Route> &Api::routes()
{
    static const std::vector<Route> routes = {
        {"POST", "/upload", &Api::post_upload},
        {"POST", "/v1/jobs", &Api::post_job},
        {"GET", "/v1/jobs/{id}", &Api::get_job},
        {"DELETE", "/v1/jobs/{id}", &Api::delete_job},
        {"GET", "/v1/jobs/{id}/result", &Api::get_result},
        {"GET", "/v1/jobs/{id}/events", &Api::get_events},
        {"GET", "/v1/limits", &Api::get_limits},
        {"GET", "/v1/styles", &Api::get_styles},
        {"GET", "/livez", &Api::get_live},
        {"GET", "/readyz", &Api::get_ready},
    };
    return routes;
}

const Api::Route *Api::find_route(ApiExchange &exchange, std::string &id, std::string &allowed) const
{
    static const Route page = {"GET", "/{page}", &Api::get_page};
    const std::string method = exchange.method == "HEAD" ? "GET" : exchange.method;
    for (const Route &route : routes()) {
        const auto variable = route.pattern.find("{id}");
        if (variable == std::string_view::npos) {
            if (exchange.path != route.pattern)
                continue;
        } else {
            const std::string_view before = route.pattern.substr(0, variable);
            const std::string_view after = route.pattern.substr(variable + 4);
            if (exchange.path.size() <= before.size() + after.size() || !exchange.path.starts_with(before) ||
                !exchange.path.ends_with(after))
                continue;
            id = exchange.path.substr(before.size(), exchange.path.size() - before.size() - after.size());
            if (!valid_id(id))
                continue;
        }
        exchange.route = route.pattern;
        if (route.method == method)
            return &route;
        allowed += std::string(allowed.empty() ? "" : ", ") + std::string(route.method);
    }
    if (!allowed.empty() || !is_page(exchange.path))
        return nullptr;
    exchange.route = page.pattern;
    if (method == page.method)
        return &page;
    allowed = "GET";
    return nullptr;
}

std::optional<Response> Api::begin(Exchange &plain)
{
    auto &exchange = static_cast<ApiExchange &>(plain);
    auto answer = answer_head(exchange);
    if (!answer)
        return std::nullopt;
    return with_common_headers(exchange, std::move(*answer));
}

std::optional<Response> Api::answer_head(ApiExchange &exchange)
{
    exchange.client = proxies_.client_of(exchange.peer, exchange.header("x-forwarded-for"));
    exchange.route = "unknown";

    std::string id;
    std::string allowed;
    const Route *route = find_route(exchange, id, allowed);
    if (!route && !allowed.empty()) {
        Response response =
            problem(exchange, make_problem("method-not-allowed", "This method is not possible here.",
                                           "Use one of: " + allowed + "."));
        response.header("Allow", allowed);
        return response;
    }
    if (!route)
        return problem(exchange, make_problem("not-found", "There is nothing at this address.",
                                              "See /openapi.json for what there is."));
    if (exchange.over_connection_limit) {
        Problem too_many = make_problem("connections", "Too many connections from this client.",
                                        "Close some, or let one carry several requests.", 5);
        too_many.limit = static_cast<std::uint64_t>(shared_.options.limits.max_connections_per_client);
        return refuse(exchange, too_many, "admission");
    }
    if (route->method == "POST") {
        if (auto refusal = admit(exchange))
            return refuse(exchange, *refusal, "admission");
        if (auto refusal = prepare_upload(exchange))
            return refuse(exchange, *refusal, "admission");
    }
    return std::nullopt;
}

std::optional<Problem> Api::admit(ApiExchange &exchange)
{
    if (!shared_.engine.ready())
        return make_problem("not-ready", "The model is still being loaded.", "Try again in a moment.", 2);
    if (shared_.board.draining())
        return draining_problem();
    if (auto refusal = admit_memory(exchange))
        return refusal;
    const auto wait = limiter_.take(rate_key(exchange.client), Clock::now());
    if (wait.count() > 0) {
        Problem often = make_problem("rate",
                                     "This client uploads more often than the service allows (" +
                                         std::to_string(shared_.options.limits.rate) + " a minute).",
                                     "Wait a moment before the next upload.",
                                     static_cast<int>(std::ceil(static_cast<double>(wait.count()) / 1000)));
        often.limit = static_cast<std::uint64_t>(shared_.options.limits.rate);
        return often;
    }
    return std::nullopt;
}

std::optional<Problem> Api::admit_memory(const ApiExchange &exchange)
{
    const Limits &limits = shared_.options.limits;
    const std::uint64_t resident = resident_bytes();
    const auto hard = static_cast<std::uint64_t>(limits.memory_hard);
    const auto soft = static_cast<std::uint64_t>(limits.memory_soft);
    if (resident <= soft)
        return std::nullopt;
    trim_wanted_ = true;
    if (resident <= hard) {
        shared_.log.write(Level::warning, Layer::service, exchange.request_id, "memory above the soft limit",
                          {{"rss_bytes", resident}, {"limit", soft}});
        return std::nullopt;
    }
    Problem full = make_problem("memory", "The service is short of memory.", "Try again in a moment.", 5);
    full.limit = hard;
    full.actual = resident;
    return full;
}

std::optional<Problem> Api::prepare_upload(ApiExchange &exchange)
{
    exchange.options.pipeline = shared_.options.pipeline;
    exchange.options.format.clear();
    const auto key = exchange.headers.find("idempotency-key");
    if (key != exchange.headers.end() && !valid_id(key->second))
        return make_problem("header-invalid", "The Idempotency-Key is not valid.",
                            "Use 1 to 128 letters, digits and . _ : - (a UUID is good).");
    for (const auto &[name, value] : exchange.query)
        if (auto refusal = set_option(exchange, name, value))
            return refusal;

    exchange.upload = std::make_unique<Upload>(
        static_cast<std::uint64_t>(shared_.options.limits.max_bytes), shared_.budget,
        rate_key(exchange.client), [this, &exchange](const std::string &name, const std::string &value) {
            return set_option(exchange, name, value);
        });
    return exchange.upload->expect(exchange.header("content-type"), exchange.declared_bytes);
}

std::optional<Problem> Api::set_option(ApiExchange &exchange, const std::string &name,
                                       const std::string &value)
{
    PaintOptions &options = exchange.options;
    const EngineFacts &facts = shared_.engine.facts();
    const auto refuse = [&](const std::string &allowed) {
        return make_problem("option-invalid",
                            "'" + clean_file_name(value) + "' is not possible for the option '" +
                                clean_file_name(name) + "'.",
                            "Possible: " + allowed + ".");
    };
    const auto same = [](const std::string &text) { return text; };
    if (name == "style") {
        const bool known = std::any_of(facts.styles.begin(), facts.styles.end(),
                                       [&](const StyleEntry &style) { return style.name == value; });
        if (!known)
            return refuse(names_of(facts.styles, [](const StyleEntry &style) { return style.name; }));
        options.style = value;
    } else if (name == "pipeline") {
        if (!facts.formats.contains(value))
            return refuse(names_of(facts.formats, [](const auto &entry) { return entry.first; }));
        options.pipeline = value;
    } else if (name == "format") {
        // Whether the pipeline makes it is known once all options are.
        std::set<std::string> formats;
        for (const auto &[pipeline, made] : facts.formats)
            formats.insert(made.begin(), made.end());
        if (!formats.contains(value))
            return refuse(names_of(formats, same));
        options.format = value;
    } else if (name == "strength") {
        double strength = 0;
        const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), strength);
        if (error != std::errc{} || end != value.data() + value.size() || !(strength >= 0 && strength <= 1))
            return refuse("a number from 0 to 1");
        options.strength = strength;
    } else if (name == "faces") {
        const auto faces = boolean_of(value);
        if (!faces)
            return refuse("true, false");
        options.faces = *faces;
    } else {
        return make_problem("option-invalid", "There is no option '" + clean_file_name(name) + "'.",
                            "Possible: style, strength, faces, format, pipeline.");
    }
    return std::nullopt;
}

std::optional<Problem> Api::choose_format(ApiExchange &exchange) const
{
    std::string &format = exchange.options.format;
    const auto &formats = shared_.engine.facts().formats.at(exchange.options.pipeline);
    if (!format.empty()) {
        if (std::find(formats.begin(), formats.end(), format) != formats.end())
            return std::nullopt;
        return make_problem(
            "option-invalid", "The pipeline '" + exchange.options.pipeline + "' makes no " + format + ".",
            "Possible: " + names_of(formats, [](const std::string &text) { return text; }) + ".");
    }
    format = formats.front();
    for (const std::string &made : formats)
        if (accepts_first(exchange.header("accept"), "image/" + made))
            format = made;
    return std::nullopt;
}

std::optional<Response> Api::finish(Exchange &plain)
{
    auto &exchange = static_cast<ApiExchange &>(plain);
    std::string id;
    std::string allowed;
    const Route *route = find_route(exchange, id, allowed);
    auto response = (this->*route->answer)(exchange, id);
    if (!response)
        return std::nullopt;
    return with_common_headers(exchange, std::move(*response));
}

Response Api::with_common_headers(const ApiExchange &exchange, Response response) const
{
    for (auto &[name, value] : common_headers(exchange.request_id))
        response.header(name, value);
    return response;
}

Response Api::problem(const ApiExchange &exchange, const Problem &problem) const
{
    const std::string instance =
        exchange.job.empty() ? "urn:request:" + exchange.request_id : "/v1/jobs/" + exchange.job;
    return problem_response(problem, exchange.request_id, instance);
}

Response Api::refused(const Exchange &plain, const Problem &refusal)
{
    const auto &exchange = static_cast<const ApiExchange &>(plain);
    return with_common_headers(exchange, refuse(exchange, refusal, "receive"));
}

Response Api::refuse(const ApiExchange &exchange, const Problem &refusal, const std::string &stage) const
{
    log_refusal(exchange, refusal, stage);
    return problem(exchange, refusal);
}

void Api::log_refusal(const ApiExchange &exchange, const Problem &refusal, const std::string &stage) const
{
    shared_.log.failure(exchange.request_id, refusal, stage,
                        {{"client", exchange.client}, {"bytes", exchange.received_bytes}});
}

Problem Api::body_slow() const
{
    Problem slow = make_problem("body-slow",
                                "The request took longer than " +
                                    std::to_string(shared_.options.limits.body_timeout) + " s to arrive.",
                                "Send a smaller photo, or use a faster connection.");
    slow.limit = static_cast<std::uint64_t>(shared_.options.limits.body_timeout);
    return slow;
}

Response Api::late(const Exchange &plain)
{
    const auto &exchange = static_cast<const ApiExchange &>(plain);
    return with_common_headers(exchange, problem(exchange, body_slow()));
}

void Api::abandoned(Exchange &plain)
{
    static_cast<ApiExchange &>(plain).code = "client-gone";
}

void Api::completed(const Exchange &plain)
{
    const auto &exchange = static_cast<const ApiExchange &>(plain);
    if (exchange.attached)
        shared_.board.detach(exchange.job, std::chrono::system_clock::now());
    if (exchange.delivered && exchange.has_picture && exchange.status == 200)
        shared_.board.delivered(exchange.job);
    const double seconds = seconds_since(exchange.started);
    shared_.metrics.request(exchange.route, method_label(exchange.method), exchange.status, seconds);
    // A job's own failure was counted when it failed, and may be fetched any number of times.
    if (!exchange.code.empty() && exchange.job.empty())
        shared_.metrics.rejected(exchange.code);
    if (exchange.code == "body-slow") // the server sent late(), made before it was known to be needed
        log_refusal(exchange, body_slow(), "receive");
    // Probes come every few seconds for ever: their lines would bury the others.
    if (exchange.route == "/livez" || exchange.route == "/readyz")
        return;
    const std::string method = clean_text(exchange.method, most_logged_characters);
    const std::string path = clean_text(exchange.path, most_logged_characters);
    nlohmann::ordered_json fields = {
        {"client", exchange.client},
        {"method", method},
        {"path", path},
        {"status", exchange.status},
        {"duration_ms", std::round(seconds * 1e4) / 10},
        {"bytes_in", exchange.received_bytes},
        {"bytes_out", exchange.sent_bytes},
        {"user_agent", clean_text(exchange.header("user-agent"), most_logged_characters)},
        {"rss_bytes", resident_bytes()}};
    if (!exchange.code.empty())
        fields["code"] = exchange.code;
    if (!exchange.job.empty())
        fields["job"] = exchange.job;
    if (!exchange.file_name.empty())
        fields["file"] = exchange.file_name;
    shared_.log.write(Level::info, Layer::access, exchange.request_id, method + " " + path, fields);
}

} // namespace anime::service
