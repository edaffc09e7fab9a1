// SPDX-License-Identifier: LGPL-2.1-or-later
#include "service/broker/protocol.h"

#include "service/broker/times.h"
#include "service/json_text.h"
#include "service/results/picture_json.h"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace anime::service::broker
{

namespace
{

using namespace std::chrono_literals;
using Json = nlohmann::json;

/// A stopped front or worker leaves its painter's consumer behind, an upgrade each one's.
constexpr std::chrono::hours consumer_life{24 * 7};

std::int64_t nanoseconds(std::chrono::nanoseconds time)
{
    return time.count();
}

Json problem_json(const Problem &problem)
{
    Json json = {{"code", problem.code}, {"message", problem.message}, {"remedy", problem.remedy}};
    if (problem.limit)
        json["limit"] = *problem.limit;
    if (problem.actual)
        json["actual"] = *problem.actual;
    return json;
}

Problem problem_of(const Json &json)
{
    Problem problem = make_problem(json.at("code"), json.at("message"), json.at("remedy"), 5);
    if (json.contains("limit"))
        problem.limit = json["limit"];
    if (json.contains("actual"))
        problem.actual = json["actual"];
    return problem;
}

JobState state_of(const Json &json)
{
    const auto state = job_state_of(json.at("state"));
    if (!state)
        throw BrokerError(Fault::failed, "A record at the broker has no state that this version knows.");
    return *state;
}

void put_end(Json &json, const std::optional<Problem> &problem, const std::optional<PictureInfo> &picture)
{
    if (problem)
        json["problem"] = problem_json(*problem);
    if (picture)
        json["picture"] = to_json(*picture);
}

void get_end(const Json &json, std::optional<Problem> &problem, std::optional<PictureInfo> &picture)
{
    if (json.contains("problem"))
        problem = problem_of(json["problem"]);
    if (json.contains("picture"))
        picture = picture_info_of(json["picture"]);
}

/// By which the broker knows one that it is sent again; another after a failure or a cancel.
std::string task_id(const std::string &key, std::uint64_t generation)
{
    return key + "." + std::to_string(generation);
}
constexpr const char *id_header = "Nats-Msg-Id";

constexpr const char *picture_header = "Anime-Picture";

PicturePtr make_result(const std::string &info, std::string_view data)
{
    auto picture = std::make_shared<Picture>();
    picture->info = picture_info_of(Json::parse(info));
    picture->data = std::make_shared<const Bytes>(data.begin(), data.end());
    return picture;
}

} // namespace

std::string_view view_of(const Bytes &bytes)
{
    return {reinterpret_cast<const char *>(bytes.data()), bytes.size()};
}

std::int64_t unix_ms(Wall time)
{
    return std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count();
}

Wall from_unix_ms(std::int64_t milliseconds)
{
    return Wall(std::chrono::milliseconds(milliseconds));
}

std::string short_painter(const std::string &digest)
{
    return digest.substr(0, 16);
}

std::string task_subject(const std::string &painter)
{
    return "anime.task." + painter;
}

std::string dead_subject(const std::string &painter)
{
    return "anime.dead." + painter;
}

std::string consumer_name(const std::string &painter)
{
    return "w-" + painter;
}

void ensure_streams(Connection &connection, const StreamSettings &settings)
{
    const std::chrono::seconds task_life = 2 * settings.deadline;
    ensure_stream(connection,
                  {{"name", tasks_stream},
                   {"subjects", {"anime.task.*"}},
                   {"retention", "workqueue"},
                   {"discard", "new"},
                   {"storage", "file"},
                   {"max_msgs", settings.most_tasks},
                   {"max_msg_size", settings.most_task_bytes},
                   {"max_age", nanoseconds(task_life)},
                   {"duplicate_window", nanoseconds(std::min<std::chrono::seconds>(task_life, 120s))},
                   {"num_replicas", settings.replicas}});
    ensure_stream(connection, {{"name", dead_stream},
                               {"subjects", {"anime.dead.*"}},
                               {"retention", "limits"},
                               {"discard", "old"},
                               {"storage", "file"},
                               {"max_bytes", std::int64_t{256} << 20},
                               {"max_age", nanoseconds(std::chrono::hours(7 * 24))},
                               {"num_replicas", settings.replicas}});
    // A record is written for the last time when its job ends, but that of a job or a key only when it
    // begins.
    const std::chrono::seconds life = settings.job_ttl + task_life;
    for (const char *bucket : {state_bucket, jobs_bucket, idem_bucket})
        ensure_stream(connection, bucket_config(bucket, life, settings.replicas));
    Json results = bucket_config(results_bucket, settings.job_ttl, settings.replicas);
    results["discard"] = "old";
    results["max_bytes"] = settings.most_result_bytes;
    // A picture never changes, so any replica will do; whether there is none is asked of the leader.
    results["allow_direct"] = true;
    ensure_stream(connection, results);
}

void ensure_consumer(Connection &connection, const std::string &painter, std::chrono::milliseconds ack_wait)
{
    ensure_consumer(connection, tasks_stream,
                    {{"durable_name", consumer_name(painter)},
                     {"filter_subject", task_subject(painter)},
                     {"deliver_policy", "all"},
                     {"ack_policy", "explicit"},
                     {"ack_wait", nanoseconds(ack_wait)},
                     {"max_deliver", -1},
                     {"max_ack_pending", 10000},
                     {"inactive_threshold", nanoseconds(consumer_life)},
                     {"replay_policy", "instant"}});
}

Headers headers_of(const Task &task, std::uint64_t generation, Wall deadline,
                   const std::string &painter_digest)
{
    return {{id_header, task_id(task.key, generation)},
            {"Anime-Key", task.key},
            {"Anime-Generation", std::to_string(generation)},
            {"Anime-Request-Id", task.request_id},
            {"Anime-Options", dump(to_json(task.options))},
            {"Anime-Painter", painter_digest},
            {"Anime-Queued", std::to_string(unix_ms(wall(task.queued)))},
            {"Anime-Deadline", std::to_string(unix_ms(deadline))},
            {"Anime-Receive-Ms", std::to_string(task.receive_ms)}};
}

void remove_task(Connection &connection, std::uint64_t sequence, const std::string &key,
                 std::uint64_t generation)
{
    // A broker whose machine died may have given the number to another.
    const auto message = find_message(connection, tasks_stream, {{"seq", sequence}});
    if (message && message->header(id_header) == task_id(key, generation))
        ask(connection, "$JS.API.STREAM.MSG.DELETE." + std::string(tasks_stream),
            {{"seq", sequence}, {"no_erase", true}});
}

Arrived read_task(const Message &message)
{
    Arrived arrived;
    Task &task = arrived.task;
    task.key = message.header("Anime-Key");
    arrived.generation = std::stoull(message.header("Anime-Generation"));
    task.request_id = message.header("Anime-Request-Id");
    task.options = paint_options_of(Json::parse(message.header("Anime-Options")));
    arrived.painter_digest = message.header("Anime-Painter");
    task.queued = steady(std::min(from_unix_ms(std::stoll(message.header("Anime-Queued"))), now()));
    arrived.deadline = from_unix_ms(std::stoll(message.header("Anime-Deadline")));
    task.receive_ms = std::stod(message.header("Anime-Receive-Ms"));
    const std::string_view data = message.data();
    task.input = std::make_shared<const Bytes>(data.begin(), data.end());
    return arrived;
}

void add_job(Work &work, const std::string &id)
{
    if (std::find(work.jobs.begin(), work.jobs.end(), id) != work.jobs.end())
        return;
    if (work.jobs.size() < most_listed_jobs)
        work.jobs.push_back(id);
    else
        work.more = true;
}

void end(Work &work, JobState state, const std::optional<Problem> &problem)
{
    work.state = state;
    work.stage = "done";
    work.finished = now();
    work.problem = problem;
    ++work.version;
}

Work next_generation(const Work &last)
{
    Work work;
    work.generation = last.generation + 1;
    work.before = Work::Before{last.generation, last.state, last.finished, last.problem, last.picture};
    return work;
}

std::string write(const Work &work)
{
    Json json = {{"generation", work.generation},
                 {"state", name_of(work.state)},
                 {"stage", work.stage},
                 {"progress", work.progress},
                 {"version", work.version},
                 {"queued", unix_ms(work.queued)},
                 {"started", unix_ms(work.started)},
                 {"finished", unix_ms(work.finished)},
                 {"deadline", unix_ms(work.deadline)},
                 {"request_id", work.request_id},
                 {"worker", work.worker},
                 {"attempts", work.attempts},
                 {"sequence", work.sequence},
                 {"jobs", work.jobs},
                 {"more", work.more}};
    put_end(json, work.problem, work.picture);
    if (work.before) {
        json["before"] = {{"generation", work.before->generation},
                          {"state", name_of(work.before->state)},
                          {"finished", unix_ms(work.before->finished)}};
        put_end(json["before"], work.before->problem, work.before->picture);
    }
    return dump(json);
}

Work read_work(const std::string &text)
{
    const Json json = Json::parse(text);
    Work work;
    json.at("generation").get_to(work.generation);
    work.state = state_of(json);
    json.at("stage").get_to(work.stage);
    json.at("progress").get_to(work.progress);
    json.at("version").get_to(work.version);
    work.queued = from_unix_ms(json.at("queued"));
    work.started = from_unix_ms(json.at("started"));
    work.finished = from_unix_ms(json.at("finished"));
    work.deadline = from_unix_ms(json.at("deadline"));
    json.at("request_id").get_to(work.request_id);
    json.at("worker").get_to(work.worker);
    json.at("attempts").get_to(work.attempts);
    json.at("sequence").get_to(work.sequence);
    json.at("jobs").get_to(work.jobs);
    json.at("more").get_to(work.more);
    get_end(json, work.problem, work.picture);
    if (json.contains("before")) {
        const Json &before = json["before"];
        work.before.emplace();
        before.at("generation").get_to(work.before->generation);
        work.before->state = state_of(before);
        work.before->finished = from_unix_ms(before.at("finished"));
        get_end(before, work.before->problem, work.before->picture);
    }
    return work;
}

std::string write(const JobRecord &job)
{
    const JobView &view = job.view;
    Json json = {{"id", view.id},
                 {"request_id", view.request_id},
                 {"file_name", view.file_name},
                 {"key", view.key},
                 {"input_bytes", view.input_bytes},
                 {"options", to_json(view.options)},
                 {"cache", view.cache},
                 {"painted_by", view.painted_by},
                 {"created", unix_ms(view.created)},
                 {"generation", job.generation},
                 {"cancelled", job.cancelled}};
    put_end(json, job.problem, std::nullopt);
    return dump(json);
}

JobRecord read_job(const std::string &text)
{
    const Json json = Json::parse(text);
    JobRecord job;
    JobView &view = job.view;
    json.at("id").get_to(view.id);
    json.at("request_id").get_to(view.request_id);
    json.at("file_name").get_to(view.file_name);
    json.at("key").get_to(view.key);
    json.at("input_bytes").get_to(view.input_bytes);
    view.options = paint_options_of(json.at("options"));
    json.at("cache").get_to(view.cache);
    json.at("painted_by").get_to(view.painted_by);
    view.created = from_unix_ms(json.at("created"));
    json.at("generation").get_to(job.generation);
    json.at("cancelled").get_to(job.cancelled);
    std::optional<PictureInfo> none;
    get_end(json, job.problem, none);
    return job;
}

std::string write(const IdemRecord &record)
{
    return Json{{"job", record.job}, {"key", record.key}}.dump();
}

IdemRecord read_idem(const std::string &text)
{
    const Json json = Json::parse(text);
    return {json.at("job"), json.at("key")};
}

PicturePtr find_result(Connection &connection, const std::string &key)
{
    const Bucket results(connection, results_bucket);
    const auto message = find_direct(connection, results.stream(), results.subject(key));
    if (message)
        return make_result(message->header(picture_header), message->data());
    // A replica may not have it yet.
    const auto entry = results.get(key);
    return entry ? make_result(entry->header(picture_header), entry->value) : nullptr;
}

void put_result(Connection &connection, const std::string &key, const Picture &picture)
{
    const Bucket results(connection, results_bucket);
    store(connection, results.subject(key), view_of(*picture.data),
          {{picture_header, to_json(picture.info).dump()}});
}

} // namespace anime::service::broker
