// SPDX-License-Identifier: LGPL-2.1-or-later
#include "service/ops/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <chrono>

namespace anime::service
{

namespace
{

using prometheus::Counter;
using prometheus::Family;
using prometheus::Gauge;
using prometheus::Histogram;

const Histogram::BucketBoundaries request_seconds = {0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25,
                                                     0.5,   1,     2.5,  5,     10,   30,  60};
const Histogram::BucketBoundaries stage_seconds = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1,
                                                   0.25,  0.5,    1,     2.5,  10,    30,   60};

double unix_seconds()
{
    return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

} // namespace

struct Metrics::State {
    prometheus::Registry registry;

    Family<Counter> &counters(const char *name, const char *help)
    {
        return prometheus::BuildCounter().Name(name).Help(help).Register(registry);
    }
    Family<Histogram> &histograms(const char *name, const char *help)
    {
        return prometheus::BuildHistogram().Name(name).Help(help).Register(registry);
    }
    Gauge &gauge(const char *name, const char *help)
    {
        return prometheus::BuildGauge().Name(name).Help(help).Register(registry).Add({});
    }

    Family<Counter> &requests = counters("anime_http_requests_total", "Answers by route, method and status.");
    Family<Histogram> &durations =
        histograms("anime_http_request_duration_seconds", "From a request's head to the end of its answer.");
    Family<Counter> &rejections =
        counters("anime_rejections_total", "Requests and jobs that got no picture, by code.");
    Family<Counter> &jobs_finished = counters(
        "anime_jobs_finished_total", "Jobs that have ended, by state and the code of their problem.");
    Family<Counter> &key_requests = counters(
        "anime_key_requests_total", "Answers to requests with an API key, by its name and the status.");
    Family<Counter> &cached = counters("anime_cache_requests_total",
                                       "Uploads by what the cache knew: hit, shared (with a job under "
                                       "way), disk, miss (painted).");
    Family<Histogram> &stages =
        histograms("anime_stage_duration_seconds", "Time of a picture in each stage.");
    Family<Counter> &expirations =
        counters("anime_connection_timeouts_total", "Connections that missed a deadline, by phase.");
    Counter &trims =
        counters("anime_memory_trims_total", "Times that memory was given back above the soft limit.")
            .Add({});
    Gauge &queue_depth = gauge("anime_queue_depth", "Jobs that wait.");
    Gauge &queue_oldest = gauge("anime_queue_oldest_age_seconds", "How long the oldest of them has waited.");
    Gauge &workers = gauge("anime_workers", "Pictures that may be painted at once.");
    Gauge &workers_busy = gauge("anime_workers_busy", "Pictures that are painted now.");
    Gauge &jobs = gauge("anime_jobs", "Jobs that are remembered, finished ones included.");
    Gauge &connections = gauge("anime_http_connections", "Open connections.");
    Gauge &pending = gauge("anime_pending_upload_bytes", "Bytes of uploads that arrive or wait.");
    Gauge &sending = gauge("anime_sending_bytes", "Pictures in memory that are being sent.");
    Gauge &results = gauge("anime_result_bytes", "Pictures that are kept for jobs which nobody has fetched.");
    Gauge &cache_bytes = gauge("anime_cache_memory_bytes", "Pictures in memory.");
    Gauge &cache_disk = gauge("anime_cache_disk_bytes", "Pictures in the cache folder.");
    Gauge &resident = gauge("process_resident_memory_bytes", "Resident memory.");
    Gauge &start_time = gauge("process_start_time_seconds", "Start of the process, Unix time.");
    Counter &log_dropped =
        counters("anime_log_lines_dropped_total",
                 "Log lines that were lost, because nobody read the others or they could not be written.")
            .Add({});
    Counter &omitted =
        counters(
            "anime_access_lines_omitted_total",
            "Log lines about requests without a job that were left out, beyond --log-rate of their client.")
            .Add({});
    Family<Gauge> &gauges(const char *name, const char *help)
    {
        return prometheus::BuildGauge().Name(name).Help(help).Register(registry);
    }
    Family<Gauge> &broker_connected =
        gauges("anime_broker_connected", "1 while there is a connection to the broker.");
    Family<Gauge> &broker_tasks =
        gauges("anime_broker_tasks", "Tasks of this server's painter at the broker: pending, in_flight, "
                                     "redelivered (of those in flight), dead (put aside).");
    Family<Gauge> &broker_oldest =
        gauges("anime_broker_oldest_age_seconds", "Since the oldest task at the broker was queued.");
    Family<Counter> &redelivered =
        counters("anime_worker_redelivered_total", "Tasks that another worker had before and did not end.");
    Gauge &ready = gauge("anime_model_ready", "1 when the model is loaded and work is accepted.");
};

Metrics::Metrics() : state_(std::make_unique<State>())
{
    state_->start_time.Set(unix_seconds());
}

Metrics::~Metrics() = default;

void Metrics::request(const std::string &route, const std::string &method, int status, double seconds)
{
    state_->requests.Add({{"route", route}, {"method", method}, {"status", std::to_string(status)}})
        .Increment();
    state_->durations.Add({{"route", route}}, request_seconds).Observe(seconds);
}

void Metrics::rejected(const std::string &code)
{
    state_->rejections.Add({{"code", code}}).Increment();
}

void Metrics::cache(const std::string &result)
{
    state_->cached.Add({{"result", result}}).Increment();
}

void Metrics::painted(const Timings &timings)
{
    const std::pair<const char *, double> stages[] = {{"receive", timings.receive}, {"queue", timings.queue},
                                                      {"decode", timings.decode},   {"faces", timings.faces},
                                                      {"wait", timings.wait},       {"paint", timings.paint},
                                                      {"encode", timings.encode},   {"total", timings.total}};
    for (const auto &[stage, milliseconds] : stages)
        state_->stages.Add({{"stage", stage}}, stage_seconds).Observe(milliseconds / 1000);
}

void Metrics::expired(const std::string &phase)
{
    state_->expirations.Add({{"phase", phase}}).Increment();
}

void Metrics::trimmed()
{
    state_->trims.Increment();
}

void Metrics::access_line_omitted()
{
    state_->omitted.Increment();
}

void Metrics::key_request(const std::string &key, int status)
{
    state_->key_requests.Add({{"key", key}, {"status", std::to_string(status)}}).Increment();
}

std::string Metrics::text(const Gauges &gauges)
{
    State &s = *state_;
    s.queue_depth.Set(gauges.queue_depth);
    s.queue_oldest.Set(gauges.queue_oldest_seconds);
    s.workers.Set(gauges.workers);
    s.workers_busy.Set(gauges.workers_busy);
    s.jobs.Set(gauges.jobs);
    s.connections.Set(gauges.connections);
    s.pending.Set(gauges.pending_bytes);
    s.sending.Set(gauges.sending_bytes);
    s.results.Set(gauges.result_bytes);
    s.cache_bytes.Set(gauges.cache_bytes);
    s.cache_disk.Set(gauges.cache_disk_bytes);
    s.resident.Set(gauges.resident_bytes);
    s.log_dropped.Increment(gauges.log_dropped - s.log_dropped.Value());
    s.ready.Set(gauges.ready ? 1 : 0);
    for (const auto &[ended, count] : gauges.jobs_finished) {
        Counter &counter = s.jobs_finished.Add({{"state", ended.first}, {"code", ended.second}});
        counter.Increment(static_cast<double>(count) - counter.Value());
    }
    if (gauges.cluster) {
        const ClusterLoad &load = *gauges.cluster;
        s.broker_connected.Add({}).Set(load.connected ? 1 : 0);
        s.broker_tasks.Add({{"state", "pending"}}).Set(load.pending);
        s.broker_tasks.Add({{"state", "in_flight"}}).Set(load.in_flight);
        s.broker_tasks.Add({{"state", "redelivered"}}).Set(load.redelivered);
        s.broker_tasks.Add({{"state", "dead"}}).Set(load.dead);
        s.broker_oldest.Add({}).Set(load.oldest_seconds);
    }
    if (gauges.worker) {
        s.broker_connected.Add({}).Set(gauges.worker->connected ? 1 : 0);
        Counter &redelivered = s.redelivered.Add({});
        redelivered.Increment(gauges.worker->redelivered - redelivered.Value());
    }
    return prometheus::TextSerializer().Serialize(s.registry.Collect());
}

} // namespace anime::service
