// SPDX-License-Identifier: LGPL-2.1-or-later
#include "service/service.h"

#include "models/painter.h"
#include "service/ops/memory.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <filesystem>
#include <stdexcept>

namespace anime::service
{

namespace
{

/// For the last answers.
constexpr std::chrono::milliseconds farewell{500};

JobBoard::Settings board_settings(const Limits &limits)
{
    return {static_cast<std::size_t>(limits.queue_size), static_cast<std::size_t>(limits.max_jobs),
            std::chrono::seconds(limits.job_ttl), std::chrono::seconds(limits.deadline),
            static_cast<std::uint64_t>(limits.result_bytes)};
}

/// A quarter of all for one client, so that none can shut out the others; at least one upload.
ByteBudget upload_budget(const Limits &limits)
{
    return ByteBudget(static_cast<std::uint64_t>(limits.max_pending_bytes),
                      static_cast<std::uint64_t>(std::max(limits.max_pending_bytes / 4, limits.max_bytes)));
}

std::unique_ptr<DiskCache> open_disk_cache(const Options &options)
{
    if (options.cache_dir.empty())
        return nullptr;
    return std::make_unique<DiskCache>(options.cache_dir,
                                       static_cast<std::uint64_t>(options.limits.cache_disk_bytes),
                                       std::chrono::seconds(options.limits.cache_age));
}

} // namespace

Service::Service(const Options &options, LineWriter &lines)
    : options_(options), log_(lines), engine_(options_, log_), budget_(upload_budget(options.limits)),
      sending_(static_cast<std::uint64_t>(options.limits.max_sending_bytes),
               static_cast<std::uint64_t>(options.limits.max_sending_bytes / 4)),
      cluster_(make_cluster(options_, log_, metrics_)),
      board_(board_settings(options.limits), cluster_ ? cluster_->make_queue() : nullptr),
      memory_cache_(static_cast<std::uint64_t>(options.limits.cache_bytes),
                    std::chrono::seconds(options.limits.cache_age)),
      disk_cache_(open_disk_cache(options)),
      api_({options_, log_, metrics_, engine_, board_, budget_, sending_, memory_cache_, disk_cache_.get(),
            cluster_.get()}),
      admin_(
          metrics_, [this] { return gauges(); }, [this] { return not_ready(); })
{
    const Limits &limits = options.limits;
    ServerSettings settings;
    settings.log = [this](const std::string &text) { log_.service(Level::debug, text); };
    settings.complain = [this](const std::string &text) { log_.service(Level::error, text); };
    settings.header_timeout = std::chrono::seconds(limits.header_timeout);
    settings.body_timeout = std::chrono::seconds(limits.body_timeout);
    settings.send_timeout = std::chrono::seconds(limits.send_timeout);
    settings.events_timeout = std::chrono::seconds(limits.deadline + 60);

    ServerSettings admin = settings;
    admin.address = options.metrics_address;
    admin.port = static_cast<std::uint16_t>(options.metrics_port);
    admin.most_connections = 64;
    settings.address = options.address;
    settings.port = static_cast<std::uint16_t>(options.port);
    settings.most_connections = static_cast<std::size_t>(limits.max_connections);
    settings.most_connections_per_client = static_cast<std::size_t>(limits.max_connections_per_client);
    settings.trusted = [this](const std::string &peer) { return api_.trusts(peer); };
    settings.expired = [this](const char *phase) { metrics_.expired(phase); };
    server_ = std::make_unique<HttpServer>(settings, api_);
    admin_server_ = std::make_unique<HttpServer>(admin, admin_);
}

Service::~Service()
{
    drain();
    abandon();
    // Whoever waits is told, before the connections are cut; a client that doesn't read gets no longer.
    const auto end = std::chrono::steady_clock::now() + farewell;
    while (server_->busy() > 0 && std::chrono::steady_clock::now() < end)
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    workers_.reset();
    if (cluster_)
        cluster_->stop();
}

void Service::start()
{
    if (cluster_)
        cluster_->open();
    engine_.warm_up();
    if (cluster_) {
        // Others paint: what the descriptions and models say was all that was wanted of them.
        forget_idle_painters();
        cluster_->start(board_, cluster_host());
    }
    trim_memory();
    if (!cluster_)
        workers_ = std::make_unique<Workers>(Shared{options_, log_, metrics_, engine_, board_, budget_,
                                                    sending_, memory_cache_, disk_cache_.get(), nullptr});
}

Cluster::Host Service::cluster_host()
{
    Cluster::Host host;
    host.painter = engine_.digest();
    host.painter_of = [this](const PaintOptions &options) { return engine_.painter_digest(options); };
    host.find = [this](const std::string &key) {
        const auto now = std::chrono::steady_clock::now();
        if (PicturePtr known = memory_cache_.find(key, now))
            return known;
        return disk_cache_ ? disk_cache_->find(key) : nullptr;
    };
    host.keep = [this](const std::string &key, const PicturePtr &picture) {
        memory_cache_.put(key, picture, std::chrono::steady_clock::now());
        if (!disk_cache_)
            return;
        if (const std::string reason = disk_cache_->put(key, *picture); !reason.empty())
            log_.write(Level::warning, Layer::service, {},
                       "a picture could not be written to the cache folder", {{"reason", reason}});
    };
    return host;
}

void Service::tick()
{
    report(board_.tick(std::chrono::steady_clock::now(), std::chrono::system_clock::now()));
    server_->tick();
    admin_server_->tick();
    expire_caches();
    if (api_.take_trim_request()) {
        memory_cache_.shrink(static_cast<std::uint64_t>(options_.limits.cache_bytes) / 2);
        forget_idle_painters();
        trim_memory();
        metrics_.trimmed();
    }
    trim_when_idle();
}

void Service::expire_caches()
{
    const auto now = std::chrono::steady_clock::now();
    memory_cache_.expire(now);
    if (!disk_cache_ || now < next_expiry_)
        return;
    next_expiry_ = now + std::chrono::minutes(1);
    disk_cache_->expire();
}

/// Painting leaves megabytes of free memory between what lives on. They go back once nothing is in hand,
/// where a few milliseconds hold nobody up.
void Service::trim_when_idle()
{
    const JobBoard::Load load = board_.load(std::chrono::steady_clock::now());
    if (load.queued + load.running > 0 || load.taken == taken_when_trimmed_)
        return;
    taken_when_trimmed_ = load.taken;
    trim_memory();
}

void Service::reload()
{
    try {
        api_.reload_keys();
        log_.service(Level::info, "read the API keys again");
    } catch (const std::runtime_error &error) {
        log_.service(Level::error, std::string(error.what()) + "; the keys stay as they were");
    }
}

void Service::drain()
{
    board_.drain();
}

bool Service::drained() const
{
    const JobBoard::Load load = board_.load(std::chrono::steady_clock::now());
    // What the broker has goes on without this server.
    if (cluster_)
        return cluster_->unsent() == 0 && server_->busy() == 0;
    return load.queued == 0 && load.running == 0 && server_->busy() == 0;
}

void Service::abandon()
{
    if (cluster_) {
        // They go on, and every other server knows them: only whoever waits here is told.
        board_.abandon(make_problem("draining", "This server stopped before the picture was ready.",
                                    "Ask for the job again, or upload the photo again.", 5),
                       std::chrono::system_clock::now());
        return;
    }
    report(board_.abandon(make_problem("draining", "The service stopped before the picture was ready.",
                                       "Upload the photo again.", 5),
                          std::chrono::system_clock::now()));
}

/// Jobs that failed outside of a run, so that no run wrote a line or counted them.
void Service::report(const std::vector<JobView> &failed)
{
    const auto now = std::chrono::system_clock::now();
    for (const JobView &job : failed) {
        metrics_.rejected(job.problem->code);
        const auto waited = std::chrono::duration_cast<std::chrono::milliseconds>(now - job.created);
        log_.failure(job.request_id, *job.problem, job.stage,
                     {{"job", job.id},
                      {"bytes", job.input_bytes},
                      {"pipeline", job.options.pipeline},
                      {"style", job.options.style},
                      {"format", job.options.format},
                      {"waited_ms", waited.count()}});
    }
}

std::string Service::not_ready() const
{
    if (!engine_.ready())
        return "not-ready";
    if (cluster_ && !cluster_->reachable())
        return "broker-gone";
    return board_.draining() ? "draining" : "";
}

Gauges Service::gauges() const
{
    const JobBoard::Load load = board_.load(std::chrono::steady_clock::now());
    Gauges gauges;
    gauges.queue_depth = static_cast<double>(load.queued);
    gauges.queue_oldest_seconds = load.oldest_seconds;
    gauges.workers = static_cast<double>(options_.limits.workers);
    gauges.workers_busy = static_cast<double>(load.running);
    gauges.jobs = static_cast<double>(load.jobs);
    gauges.connections = static_cast<double>(server_->connections());
    gauges.pending_bytes = static_cast<double>(budget_.used());
    gauges.sending_bytes = static_cast<double>(sending_.used());
    gauges.result_bytes = static_cast<double>(load.result_bytes);
    gauges.cache_bytes = static_cast<double>(memory_cache_.bytes());
    gauges.cache_disk_bytes = disk_cache_ ? static_cast<double>(disk_cache_->bytes()) : 0;
    gauges.resident_bytes = static_cast<double>(resident_bytes());
    gauges.log_dropped = static_cast<double>(log_.dropped());
    gauges.ready = not_ready().empty();
    for (const auto &[ended, count] : load.finished)
        gauges.jobs_finished[{name_of(ended.first), ended.second}] = count;
    if (cluster_)
        gauges.cluster = cluster_->load();
    return gauges;
}

} // namespace anime::service
