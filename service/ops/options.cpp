// SPDX-License-Identifier: LGPL-2.1-or-later
#include "service/ops/options.h"

#include "service/text.h"

#include <glib.h>

#include <algorithm>
#include <charconv>
#include <deque>
#include <memory>
#include <set>
#include <sstream>

namespace anime::service
{

const std::vector<LimitSpec> &limit_specs()
{
    constexpr std::int64_t gib = 1LL << 30;
    static const std::vector<LimitSpec> specs = {
        {"max-bytes", &Limits::max_bytes, 1024, gib, "bytes", "largest upload"},
        {"max-pending-bytes", &Limits::max_pending_bytes, 1 << 20, 16 * gib, "bytes",
         "all uploads that arrive or wait, a quarter of them of one client"},
        {"max-sending-bytes", &Limits::max_sending_bytes, 1 << 20, 16 * gib, "bytes",
         "pictures in memory that are being sent, a quarter of them to one client"},
        {"queue-size", &Limits::queue_size, 1, 100000, "jobs", "jobs that may wait"},
        {"workers", &Limits::workers, 1, 64, "pipelines", "pictures painted at once"},
        {"max-jobs", &Limits::max_jobs, 16, 100000, "jobs", "jobs remembered, finished ones included"},
        {"job-ttl", &Limits::job_ttl, 1, 86400, "s", "how long a finished job is remembered"},
        {"rate", &Limits::rate, 1, 1000000, "uploads/min", "uploads of one client, sustained"},
        {"burst", &Limits::burst, 1, 1000000, "uploads", "uploads of one client in one go"},
        {"max-connections", &Limits::max_connections, 8, 100000, "connections", "of all clients"},
        {"max-connections-per-client", &Limits::max_connections_per_client, 1, 100000, "connections",
         "of one client"},
        {"header-timeout", &Limits::header_timeout, 1, 3600, "s",
         "for a request's head, and between requests"},
        {"body-timeout", &Limits::body_timeout, 1, 3600, "s", "for a request's body"},
        {"send-timeout", &Limits::send_timeout, 1, 3600, "s", "for an answer, and 1 s more for each 64 KiB"},
        {"deadline", &Limits::deadline, 1, 3600, "s", "from acceptance to picture, waiting included"},
        {"max-wait", &Limits::max_wait, 1, 3600, "s", "the longest Prefer: wait"},
        {"memory-soft", &Limits::memory_soft, 32 << 20, 1024 * gib, "bytes", "RSS: warn and trim"},
        {"memory-hard", &Limits::memory_hard, 32 << 20, 1024 * gib, "bytes", "RSS: refuse uploads"},
        {"cache-bytes", &Limits::cache_bytes, 1 << 20, 64 * gib, "bytes", "pictures kept in memory"},
        {"cache-disk-bytes", &Limits::cache_disk_bytes, 1 << 20, 64 * 1024 * gib, "bytes",
         "pictures kept in --cache-dir"},
        {"cache-age", &Limits::cache_age, 1, 366 * 86400, "s",
         "cached pictures, since they were last asked for"},
        {"result-bytes", &Limits::result_bytes, 0, 64 * gib, "bytes",
         "pictures kept until somebody has fetched them"},
        {"log-rate", &Limits::log_rate, 1, 1000000, "lines/min",
         "log lines about requests of one client that make no job"},
        {"drain-timeout", &Limits::drain_timeout, 1, 600, "s", "for work in hand after SIGTERM"},
    };
    return specs;
}

const char *name_of(Program program)
{
    return program == Program::worker ? "anime-worker" : "anime-server";
}

namespace
{

struct Number {
    std::string name;
    std::int64_t *value;
    std::int64_t least;
    std::int64_t most;
    std::string help;
    std::string unit;
};

struct Text {
    const char *name;
    std::string *value;
    const char *help;
    const char *placeholder;
};

std::string variable_name(const std::string &option)
{
    std::string name = "ANIME_" + with_underscores(option);
    for (char &c : name)
        c = g_ascii_toupper(c);
    return name;
}

/// Of a server's options, a worker's.
template <typename Option>
void keep_those_of(Program program, std::vector<Option> &options)
{
    static const std::set<std::string> workers = {
        "ack-wait", "broker",        "broker-ca", "broker-certificate", "broker-key",
        "deadline", "drain-timeout", "max-bytes", "metrics-address",    "metrics-port",
        "pipeline", "pipelines",     "workers"};
    if (program == Program::worker)
        std::erase_if(options, [](const Option &option) { return !workers.contains(option.name); });
}

std::vector<Number> numbers_of(Options &o, Program program)
{
    std::vector<Number> numbers = {
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
    for (Number &n : numbers)
        n.help += " (" + std::to_string(*n.value) + ")";
    keep_those_of(program, numbers);
    return numbers;
}

std::vector<Text> texts_of(Options &o, Program program)
{
    std::vector<Text> texts = {
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
    keep_those_of(program, texts);
    return texts;
}

std::vector<std::string> split_list(const std::string &list)
{
    std::vector<std::string> items;
    std::istringstream in(list);
    for (std::string item; std::getline(in, item, ',');)
        if (!item.empty())
            items.push_back(item);
    return items;
}

/// As browsers send it: scheme://host, perhaps with a port.
bool is_origin(const std::string &text)
{
    const auto host = text.find("://");
    return host != std::string::npos && host > 0 && host + 3 < text.size() &&
           text.find_first_of("/?# ", host + 3) == std::string::npos;
}

ParsedOptions failure(Program program, const std::string &message)
{
    return {std::nullopt, std::string(name_of(program)) + ": " + message + "\n", 2};
}

/// Empty when all is well.
std::string read_environment(const std::vector<Number> &numbers, const std::vector<Text> &texts,
                             const Environment &environment)
{
    for (const Number &n : numbers) {
        const std::string name = variable_name(n.name);
        const char *text = environment(name.c_str());
        if (!text)
            continue;
        const std::string_view view(text);
        const auto [end, error] = std::from_chars(view.data(), view.data() + view.size(), *n.value);
        if (error != std::errc{} || end != view.data() + view.size())
            return name + " must be a whole number, not '" + text + "'.";
    }
    for (const Text &t : texts)
        if (const char *text = environment(variable_name(t.name).c_str()))
            *t.value = text;
    return {};
}

std::string check_ranges(const std::vector<Number> &numbers)
{
    for (const Number &n : numbers)
        if (*n.value < n.least || *n.value > n.most)
            return "--" + n.name + " must be between " + std::to_string(n.least) + " and " +
                   std::to_string(n.most) + ", not " + std::to_string(*n.value) + ".";
    return {};
}

} // namespace

ParsedOptions parse_options(std::vector<std::string> arguments, const Environment &environment,
                            Program program)
{
    Options options;
    const std::vector<Number> numbers = numbers_of(options, program);
    const std::vector<Text> texts = texts_of(options, program);
    if (const std::string error = read_environment(numbers, texts, environment); !error.empty())
        return failure(program, error);
    if (const char *list = environment("ANIME_TRUSTED_PROXIES"))
        options.trusted_proxies = split_list(list);
    if (const char *list = environment("ANIME_CORS_ORIGIN"))
        options.cors_origins = split_list(list);
    if (const char *text = environment("ANIME_ANONYMOUS"))
        options.anonymous = std::string_view(text) == "1" || std::string_view(text) == "true";

    std::deque<std::unique_ptr<char, decltype(&g_free)>> given; // what GOption allocates for the texts
    std::vector<char *> text_values(texts.size(), nullptr);
    char **proxies = nullptr;
    char **origins = nullptr;
    gboolean anonymous = FALSE;
    gboolean version = FALSE;
    gboolean help = FALSE;
    std::vector<GOptionEntry> entries;
    for (const Number &n : numbers)
        entries.push_back(
            {n.name.c_str(), 0, 0, G_OPTION_ARG_INT64, n.value, n.help.c_str(), n.unit.c_str()});
    for (std::size_t i = 0; i < texts.size(); ++i)
        entries.push_back(
            {texts[i].name, 0, 0, G_OPTION_ARG_STRING, &text_values[i], texts[i].help, texts[i].placeholder});
    if (program == Program::server) {
        entries.push_back({"trusted-proxy", 0, 0, G_OPTION_ARG_STRING_ARRAY, &proxies,
                           "address or CIDR range whose X-Forwarded-For counts; may be repeated", "RANGE"});
        entries.push_back({"cors-origin", 0, 0, G_OPTION_ARG_STRING_ARRAY, &origins,
                           "origin whose pages may call the API (https://example.org), or *; may be repeated",
                           "ORIGIN"});
        entries.push_back({"anonymous", 0, 0, G_OPTION_ARG_NONE, &anonymous,
                           "with --api-keys: who sends no key may paint too, as the page does", nullptr});
    }
    entries.push_back({"version", 0, 0, G_OPTION_ARG_NONE, &version, "print the version", nullptr});
    entries.push_back({"help", 'h', 0, G_OPTION_ARG_NONE, &help, "print this", nullptr});
    entries.push_back({nullptr, 0, 0, G_OPTION_ARG_NONE, nullptr, nullptr, nullptr});

    const std::unique_ptr<GOptionContext, decltype(&g_option_context_free)> context(
        g_option_context_new(program == Program::worker ? "- paints what servers hand to the broker"
                                                        : "- turns uploaded photos into anime"),
        g_option_context_free);
    g_option_context_set_help_enabled(context.get(), FALSE);
    g_option_context_add_main_entries(context.get(), entries.data(), nullptr);
    g_option_context_set_description(
        context.get(), program == Program::worker
                           ? "Every option is also an environment variable: --max-bytes is ANIME_MAX_BYTES.\n"
                           : "Every option is also an environment variable: --max-bytes is ANIME_MAX_BYTES, "
                             "--trusted-proxy is\nANIME_TRUSTED_PROXIES, separated by commas.\n");

    char **argv = g_new0(char *, arguments.size() + 1);
    for (std::size_t i = 0; i < arguments.size(); ++i)
        argv[i] = g_strdup(arguments[i].c_str());
    const std::unique_ptr<char *, decltype(&g_strfreev)> argv_owner(argv, g_strfreev);
    std::vector<char *> before(argv, argv + arguments.size()); // GOption moves what it took out of argv
    int argc = static_cast<int>(arguments.size());
    GError *error = nullptr;
    const bool parsed = g_option_context_parse(context.get(), &argc, &argv, &error);
    for (std::size_t i = 0; i < before.size(); ++i)
        argv_owner.get()[i] = before[i];
    for (char *value : text_values)
        given.emplace_back(value, g_free);
    const std::unique_ptr<char *, decltype(&g_strfreev)> proxies_owner(proxies, g_strfreev);
    const std::unique_ptr<char *, decltype(&g_strfreev)> origins_owner(origins, g_strfreev);
    if (!parsed) {
        const std::string message = error->message;
        g_error_free(error);
        return failure(program, message + ". See " + std::string(name_of(program)) + " --help.");
    }
    if (argc > 1)
        return failure(program, "takes no arguments beside its options. See " +
                                    std::string(name_of(program)) + " --help.");
    if (help) {
        const std::unique_ptr<char, decltype(&g_free)> text(
            g_option_context_get_help(context.get(), TRUE, nullptr), g_free);
        return {std::nullopt, text.get(), 0};
    }
    if (version)
        return {std::nullopt, std::string(name_of(program)) + " " ANIME_VERSION "\n", 0};

    for (std::size_t i = 0; i < texts.size(); ++i)
        if (text_values[i])
            *texts[i].value = text_values[i];
    if (proxies) {
        options.trusted_proxies.clear();
        for (char **p = proxies; *p; ++p)
            options.trusted_proxies.emplace_back(*p);
    }
    if (origins)
        options.cors_origins.assign(origins, origins + g_strv_length(origins));
    for (const std::string &origin : options.cors_origins)
        if (origin != "*" && !is_origin(origin))
            return failure(
                program,
                "--cors-origin must be scheme://host or scheme://host:port without a path, or *, not '" +
                    origin + "'.");
    options.anonymous = options.anonymous || anonymous;
    if (options.anonymous && options.api_keys.empty())
        return failure(program,
                       "--anonymous is only for a service with --api-keys: without, nobody needs one.");
    if (const std::string range = check_ranges(numbers); !range.empty())
        return failure(program, range);
    if (options.limits.memory_hard < options.limits.memory_soft)
        return failure(program, "--memory-hard must not be below --memory-soft.");
    if (options.broker_certificate.empty() != options.broker_key.empty())
        return failure(program, "--broker-certificate and --broker-key go together.");
    if (program == Program::worker && options.broker.empty())
        return failure(program, "--broker is missing: where the servers' queue is, nats://HOST:4222.");
    if (options.limits.max_pending_bytes < options.limits.max_bytes)
        return failure(program, "--max-pending-bytes (" + std::to_string(options.limits.max_pending_bytes) +
                                    ") must not be below --max-bytes (" +
                                    std::to_string(options.limits.max_bytes) +
                                    "): no upload of that size would ever fit.");
    return {options, {}, 0};
}

} // namespace anime::service
