// SPDX-License-Identifier: LGPL-2.1-or-later
// What a front keeps up: the connection, what it needs at the broker, and what operators see of it. What it
// does for a job is in front_submit and front_jobs, what it hears of one in front_watch.
#include "service/broker/front.h"

#include <nlohmann/json.hpp>

#include <glib.h>

#include <algorithm>
#include <charconv>

namespace anime::service::broker
{

namespace
{

using namespace std::chrono_literals;

/// Letters wait for the broker, not for a processor.
constexpr std::size_t outbox_threads = 6;
constexpr std::chrono::milliseconds glance{200};
constexpr std::chrono::seconds measure_every{2};
constexpr int most_swept = 200;

/// RFC 3339 with nanoseconds.
double seconds_since(const std::string &time)
{
    GDateTime *then = g_date_time_new_from_iso8601(time.c_str(), nullptr);
    if (!then)
        return 0;
    GDateTime *now = g_date_time_new_now_utc();
    const double seconds = static_cast<double>(g_date_time_difference(now, then)) / G_USEC_PER_SEC;
    g_date_time_unref(now);
    g_date_time_unref(then);
    return seconds;
}

} // namespace

/// The board's side: everything becomes a letter, as the board holds its lock.
class Front::FrontQueue final : public Queue
{
public:
    explicit FrontQueue(Front &front) : front_(front) {}

    std::optional<Problem> refusal(int) const override
    {
        if (front_.reachable())
            return std::nullopt;
        return make_problem("broker-gone", "The service can't reach its queue.", "Try again in a moment.", 2);
    }
    bool immediate() const override { return false; }
    void put(const RunPtr &run, const Entrant &first) override
    {
        front_.outbox_.post(run->key, [this, run, first] { front_.submit(run, first); });
    }
    void join(const RunPtr &run, const Entrant &another) override { put(run, another); }
    void leave(const RunPtr &run, const JobView &job, bool last) override
    {
        front_.outbox_.post(run->key, [this, run, job, last] { front_.leave(run, job, last); });
    }
    RunPtr take() override { return nullptr; }
    void clear() override {}
    std::size_t size() const override { return front_.unsent(); }
    std::size_t position(const Run &) const override { return 0; }
    std::uint64_t moves() const override { return 0; }
    std::optional<std::chrono::steady_clock::time_point> oldest() const override { return std::nullopt; }

private:
    Front &front_;
};

Front::Front(Settings settings, Log &log, Metrics &metrics)
    : settings_(std::move(settings)), log_(log), metrics_(metrics),
      connection_(settings_.connection,
                  [this](Connection::Said what, const std::string &text) {
                      log_.service(what == Connection::Said::connected ? Level::info : Level::warning, text);
                  }),
      states_(connection_, state_bucket), jobs_(connection_, jobs_bucket), idems_(connection_, idem_bucket),
      outbox_(outbox_threads)
{
}

Front::~Front()
{
    stop();
}

std::unique_ptr<Queue> Front::make_queue()
{
    return std::make_unique<FrontQueue>(*this);
}

void Front::open()
{
    try {
        connection_.open();
        if (!connection_.connected())
            return;
        set_up();
    } catch (const BrokerError &error) {
        throw std::runtime_error(std::string(error.what()) + " " + error.remedy());
    }
    const std::int64_t most = connection_.most_payload();
    if (most < settings_.streams.most_task_bytes)
        throw std::runtime_error("The broker takes messages of at most " + std::to_string(most) +
                                 " bytes (max_payload), too small for --max-bytes " +
                                 std::to_string(settings_.max_bytes) +
                                 ". Set max_payload in its configuration as packaging/nats/ does.");
}

/// A broker that is gone meanwhile is tried again by the keeper.
void Front::set_up()
{
    try {
        ensure_streams(connection_, settings_.streams);
        if (!painter_.empty())
            ensure_consumer(connection_, painter_, settings_.streams.ack_wait);
    } catch (const BrokerError &error) {
        if (error.fault() != Fault::gone)
            throw;
        log_.service(Level::warning, error.what());
        return;
    }
    ready_ = !painter_.empty();
}

void Front::start(JobBoard &board, Host host)
{
    board_ = &board;
    host_ = std::move(host);
    painter_ = short_painter(host_.painter);
    if (connection_.connected())
        set_up();
    watcher_ = std::thread([this] { watch(); });
    keeper_ = std::thread([this] { keep_up(); });
}

void Front::stop()
{
    stop_ = true;
    outbox_.stop();
    for (std::thread *thread : {&watcher_, &keeper_})
        if (thread->joinable())
            thread->join();
}

void Front::keep_up()
{
    std::string said;
    auto next = std::chrono::steady_clock::now();
    while (!stop_) {
        std::this_thread::sleep_for(glance);
        end_overdue();
        if (!connection_.connected() || std::chrono::steady_clock::now() < next)
            continue;
        try {
            if (!ready_)
                set_up();
            measure();
            said.clear();
            next = std::chrono::steady_clock::now() + (ready_ ? measure_every : std::chrono::seconds(0));
        } catch (const std::exception &error) {
            // Streams that somebody has deleted are made again.
            if (fault_of(error) == Fault::missing)
                ready_ = false;
            if (said != error.what())
                log_.service(Level::warning, error.what());
            said = error.what();
        }
    }
}

void Front::measure()
{
    ClusterLoad load;
    const nlohmann::json consumer =
        ask(connection_, "$JS.API.CONSUMER.INFO." + std::string(tasks_stream) + "." + consumer_name(painter_),
            {});
    load.pending = consumer.value("num_pending", 0.0);
    load.in_flight = consumer.value("num_ack_pending", 0.0);
    load.redelivered = consumer.value("num_redelivered", 0.0);
    const std::string subject = task_subject(painter_);
    const nlohmann::json tasks =
        ask(connection_, "$JS.API.STREAM.INFO." + std::string(tasks_stream), {{"subjects_filter", subject}});
    const nlohmann::json &state = tasks.at("state");
    if (state.value("messages", 0) > 0)
        load.oldest_seconds = std::max(0.0, seconds_since(state.at("first_ts")));
    const nlohmann::json dead = ask(connection_, "$JS.API.STREAM.INFO." + std::string(dead_stream), {});
    load.dead = dead.at("state").value("messages", 0.0);
    {
        const std::lock_guard guard(lock_);
        load_ = load;
    }
    const double there = state.value("subjects", nlohmann::json::object()).value(subject, 0.0);
    const bool forgotten = there > load.pending + load.in_flight;
    if (forgotten && forgotten_before_)
        sweep();
    forgotten_before_ = forgotten;
}

/// A broker that was killed brings back what was acknowledged just before, and hands it to nobody: it would
/// fill the queue until it is too old.
void Front::sweep()
{
    std::uint64_t from = 1;
    for (int looked = 0; looked < most_swept && !stop_; ++looked) {
        const auto message = find_message(connection_, tasks_stream,
                                          {{"seq", from}, {"next_by_subj", task_subject(painter_)}});
        if (!message)
            return;
        from = message->revision + 1;
        const std::string key = message->header("Anime-Key");
        const std::string told = message->header("Anime-Generation");
        std::uint64_t generation = 0;
        std::from_chars(told.data(), told.data() + told.size(), generation);
        const auto entry = states_.get(key);
        if (!entry)
            continue;
        const Work work = read_work(entry->value);
        if (work.generation > generation || (work.generation == generation && is_final(work.state)))
            remove_task(connection_, message->revision, key, generation);
    }
}

ClusterLoad Front::load() const
{
    const std::lock_guard guard(lock_);
    ClusterLoad load = load_;
    load.connected = connection_.connected();
    return load;
}

/// The worker that has it ends it, and the broker hands it to another if that worker dies; this is for a
/// cluster without any.
void Front::end_overdue()
{
    const auto now = std::chrono::steady_clock::now();
    std::vector<std::pair<std::string, RunPtr>> overdue;
    {
        const std::lock_guard guard(lock_);
        for (const auto &[key, followed] : followed_)
            if (followed.run->deadline.load() + grace() < now)
                overdue.emplace_back(key, followed.run);
    }
    for (const auto &[key, run] : overdue) {
        Problem late = make_problem("deadline", "No worker has told of the photo in time.",
                                    "Try again when the service is less busy.");
        late.limit = static_cast<std::uint64_t>(settings_.streams.deadline.count());
        fail(key, run, late);
    }
}

std::chrono::seconds Front::grace() const
{
    // A worker that hangs is left behind after 10 s, and what it had is handed on after ack-wait.
    return std::chrono::ceil<std::chrono::seconds>(2 * settings_.streams.ack_wait) + 12s;
}

Problem Front::problem_of(const BrokerError &error) const
{
    switch (error.fault()) {
    case Fault::full: {
        Problem full =
            make_problem("queue-full", "Too many photos are waiting.", "Try again in a moment.", 5);
        full.limit = static_cast<std::uint64_t>(settings_.streams.most_tasks);
        return full;
    }
    case Fault::space:
        return make_problem("broker-full", "The service's queue has no room for the photo.",
                            "Try again later.", 30);
    default:
        return make_problem("broker-gone", "The service can't reach its queue.", "Try again in a moment.", 2);
    }
}

} // namespace anime::service::broker
