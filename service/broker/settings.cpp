// SPDX-License-Identifier: LGPL-2.1-or-later
#include "service/broker/settings.h"

#include "service/broker/front.h"

#include <glib.h>
#include <unistd.h>

namespace anime::service
{

namespace broker
{

std::string process_name()
{
    return std::string(g_get_host_name()) + "-" + std::to_string(getpid());
}

ConnectionSettings connection_settings(const Options &options, const std::string &program)
{
    ConnectionSettings settings;
    settings.urls = options.broker;
    settings.ca = options.broker_ca;
    settings.certificate = options.broker_certificate;
    settings.key = options.broker_key;
    settings.name = "anime-" + program + " " + process_name();
    settings.inbox = "_INBOX_" + program;
    return settings;
}

} // namespace broker

std::unique_ptr<Cluster> make_cluster(const Options &options, Log &log, Metrics &metrics)
{
    if (options.broker.empty())
        return nullptr;
    const Limits &limits = options.limits;
    broker::Front::Settings settings;
    settings.connection = broker::connection_settings(options, "front");
    settings.max_bytes = limits.max_bytes;
    settings.streams.most_tasks = limits.queue_size + limits.workers;
    settings.streams.most_task_bytes = limits.max_bytes + (1 << 20); // the headers, and some
    settings.streams.deadline = std::chrono::seconds(limits.deadline);
    settings.streams.job_ttl = std::chrono::seconds(limits.job_ttl);
    settings.streams.most_result_bytes = options.broker_result_bytes;
    settings.streams.ack_wait = std::chrono::seconds(options.ack_wait);
    settings.streams.replicas = static_cast<int>(options.broker_replicas);
    return std::make_unique<broker::Front>(std::move(settings), log, metrics);
}

} // namespace anime::service
