// SPDX-License-Identifier: LGPL-2.1-or-later
#include "service/ops/options.h"

#include "service/ops/command_line.h"
#include "service/text.h"

#include <glib.h>

#include <charconv>
#include <set>
#include <string_view>

namespace anime::service
{

const char *name_of(Program program)
{
    return program == Program::worker ? "anime-worker" : "anime-server";
}

namespace
{

std::string variable_name(const std::string &option)
{
    std::string name = "ANIME_" + with_underscores(option);
    for (char &c : name)
        c = g_ascii_toupper(c);
    return name;
}

std::vector<NumberOption> numbers_of(Options &o)
{
    std::vector<NumberOption> numbers = {
        {"port", &o.port, 0, 65535, "port to serve on, 0: any free one", "PORT"},
        {"metrics-port", &o.metrics_port, 0, 65535, "port of /metrics, /livez and /readyz, 0: any free one",
         "PORT"},
        {"ack-wait", &o.ack_wait, 1, 60, "how long a worker may be silent before another takes its work",
         "s"},
        {"broker-replicas", &o.broker_replicas, 1, 5, "copies of each message that the broker keeps",
         "COPIES"},
        {"broker-result-bytes", &o.broker_result_bytes, 1 << 20, 1024LL << 30,
         "finished pictures that the broker keeps", "bytes"},
    };
    for (const LimitSpec &s : limit_specs())
        numbers.push_back({s.name, &(o.limits.*s.value), s.least, s.most, s.help, s.unit});
    for (NumberOption &n : numbers)
        n.help += " (" + std::to_string(*n.value) + ")";
    return numbers;
}

std::vector<TextOption> texts_of(Options &o)
{
    return {
        {"address", &o.address, "address to serve on (127.0.0.1)", "ADDRESS"},
        {"metrics-address", &o.metrics_address, "address of /metrics (127.0.0.1)", "ADDRESS"},
        {"pipelines", &o.pipelines, "folder of *.launch descriptions", "DIR"},
        {"pipeline", &o.pipeline, "description to serve when the client names none (web)", "NAME"},
        {"cache-dir", &o.cache_dir, "folder for finished pictures (none)", "DIR"},
        {"api-keys", &o.api_keys,
         "file of the keys without which nobody paints; SIGHUP reads it again (none)", "FILE"},
        {"broker", &o.broker,
         "NATS servers that hold the queue, by commas: nats://USER:PASSWORD@HOST:4222 (none)", "URL"},
        {"broker-ca", &o.broker_ca, "PEM file of who signs the broker's certificate (the system's)", "FILE"},
        {"broker-certificate", &o.broker_certificate, "PEM file of this host's certificate for it (none)",
         "FILE"},
        {"broker-key", &o.broker_key, "PEM file of the certificate's key", "FILE"},
    };
}

std::vector<ListOption> lists_of(Options &o)
{
    return {
        {"trusted-proxy", "ANIME_TRUSTED_PROXIES", &o.trusted_proxies,
         "address or CIDR range whose X-Forwarded-For counts; may be repeated", "RANGE"},
        {"cors-origin", "ANIME_CORS_ORIGIN", &o.cors_origins,
         "origin whose pages may call the API (https://example.org), or *; may be repeated", "ORIGIN"},
    };
}

std::vector<FlagOption> flags_of(Options &o)
{
    return {{"anonymous", &o.anonymous, "with --api-keys: who sends no key may paint too, as the page does"}};
}

/// Of a server's options, those that a worker has too.
bool is_a_workers(const std::string &option)
{
    static const std::set<std::string> workers = {
        "ack-wait", "broker",        "broker-ca", "broker-certificate", "broker-key",
        "deadline", "drain-timeout", "max-bytes", "metrics-address",    "metrics-port",
        "pipeline", "pipelines",     "workers"};
    return workers.contains(option);
}

OptionTable table_of(Options &options, Program program)
{
    OptionTable table = {numbers_of(options), texts_of(options), lists_of(options), flags_of(options)};
    const auto is_a_servers = [](const auto &option) { return !is_a_workers(option.name); };
    if (program == Program::worker) {
        std::erase_if(table.numbers, is_a_servers);
        std::erase_if(table.texts, is_a_servers);
        std::erase_if(table.lists, is_a_servers);
        std::erase_if(table.flags, is_a_servers);
    }
    return table;
}

const char *summary_of(Program program)
{
    return program == Program::worker ? "- paints what servers hand to the broker"
                                      : "- turns uploaded photos into anime";
}

const char *remarks_of(Program program)
{
    return program == Program::worker
               ? "Every option is also an environment variable: --max-bytes is ANIME_MAX_BYTES.\n"
               : "Every option is also an environment variable: --max-bytes is ANIME_MAX_BYTES, "
                 "--trusted-proxy is\nANIME_TRUSTED_PROXIES, separated by commas.\n";
}

/// What is wrong; empty when all is well. So are the others.
std::string read_environment(const OptionTable &table, const Environment &environment)
{
    for (const NumberOption &n : table.numbers) {
        const std::string name = variable_name(n.name);
        const char *text = environment(name.c_str());
        if (!text)
            continue;
        const std::string_view view(text);
        const auto [end, error] = std::from_chars(view.data(), view.data() + view.size(), *n.value);
        if (error != std::errc{} || end != view.data() + view.size())
            return name + " must be a whole number, not '" + text + "'.";
    }
    for (const TextOption &t : table.texts)
        if (const char *text = environment(variable_name(t.name).c_str()))
            *t.value = text;
    for (const ListOption &l : table.lists)
        if (const char *text = environment(l.variable))
            *l.value = split_list(text);
    for (const FlagOption &f : table.flags)
        if (const char *text = environment(variable_name(f.name).c_str()))
            *f.value = std::string_view(text) == "1" || std::string_view(text) == "true";
    return {};
}

std::string check_ranges(const std::vector<NumberOption> &numbers)
{
    for (const NumberOption &n : numbers)
        if (*n.value < n.least || *n.value > n.most)
            return "--" + n.name + " must be between " + std::to_string(n.least) + " and " +
                   std::to_string(n.most) + ", not " + std::to_string(*n.value) + ".";
    return {};
}

/// As browsers send it: scheme://host, perhaps with a port.
bool is_origin(const std::string &text)
{
    const auto host = text.find("://");
    return host != std::string::npos && host > 0 && host + 3 < text.size() &&
           text.find_first_of("/?# ", host + 3) == std::string::npos;
}

/// What no option says alone.
std::string check_together(const Options &options, Program program)
{
    for (const std::string &origin : options.cors_origins)
        if (origin != "*" && !is_origin(origin))
            return "--cors-origin must be scheme://host or scheme://host:port without a path, or *, not '" +
                   origin + "'.";
    if (options.anonymous && options.api_keys.empty())
        return "--anonymous is only for a service with --api-keys: without, nobody needs one.";
    if (options.limits.memory_hard < options.limits.memory_soft)
        return "--memory-hard must not be below --memory-soft.";
    if (options.broker_certificate.empty() != options.broker_key.empty())
        return "--broker-certificate and --broker-key go together.";
    if (program == Program::worker && options.broker.empty())
        return "--broker is missing: where the servers' queue is, nats://HOST:4222.";
    if (options.limits.max_pending_bytes < options.limits.max_bytes)
        return "--max-pending-bytes (" + std::to_string(options.limits.max_pending_bytes) +
               ") must not be below --max-bytes (" + std::to_string(options.limits.max_bytes) +
               "): no upload of that size would ever fit.";
    return {};
}

ParsedOptions failure(Program program, const std::string &message)
{
    return {std::nullopt, std::string(name_of(program)) + ": " + message + "\n", 2};
}

} // namespace

ParsedOptions parse_options(const std::vector<std::string> &arguments, const Environment &environment,
                            Program program)
{
    const std::string name = name_of(program);
    Options options;
    const OptionTable table = table_of(options, program);
    if (const std::string mistake = read_environment(table, environment); !mistake.empty())
        return failure(program, mistake);
    const CommandLine line = read_command_line(table, arguments, summary_of(program), remarks_of(program));
    if (!line.mistake.empty())
        return failure(program, line.mistake + " See " + name + " --help.");
    if (!line.help.empty())
        return {std::nullopt, line.help, 0};
    if (line.version)
        return {std::nullopt, name + " " ANIME_VERSION "\n", 0};
    if (const std::string mistake = check_ranges(table.numbers); !mistake.empty())
        return failure(program, mistake);
    if (const std::string mistake = check_together(options, program); !mistake.empty())
        return failure(program, mistake);
    return {options, {}, 0};
}

} // namespace anime::service
