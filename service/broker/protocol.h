// SPDX-License-Identifier: LGPL-2.1-or-later
// What fronts and workers tell each other: names of streams and subjects, and the records in them.
#pragma once

#include "service/broker/jetstream.h"
#include "service/jobs/job.h"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace anime::service::broker
{

constexpr const char *tasks_stream = "ANIME_TASKS";
constexpr const char *dead_stream = "ANIME_DEAD";
constexpr const char *state_bucket = "anime-state";     ///< by cache key: a Work
constexpr const char *jobs_bucket = "anime-jobs";       ///< by job id: a JobRecord
constexpr const char *idem_bucket = "anime-idem";       ///< by a hash of client and key: an IdemRecord
constexpr const char *results_bucket = "anime-results"; ///< by cache key: the picture
constexpr const char *cancel_prefix = "anime.cancel.";  ///< and the cache key

/// Start of the SHA-256 of everything that paints. A worker takes the work of its own alone, so that a
/// rolling upgrade never paints with another model than the front promised.
std::string short_painter(const std::string &digest);
std::string task_subject(const std::string &painter);
std::string dead_subject(const std::string &painter);
std::string consumer_name(const std::string &painter);

struct StreamSettings {
    std::int64_t most_tasks = 0; ///< that wait or run
    std::int64_t most_task_bytes = 0;
    std::chrono::seconds deadline{60};
    std::chrono::seconds job_ttl{900};
    std::int64_t most_result_bytes = 0;
    std::chrono::milliseconds ack_wait{5000};
    int replicas = 1;
};

/// Creates what is missing and brings the rest up to date; a front's right. Throws BrokerError.
void ensure_streams(Connection &connection, const StreamSettings &settings);
/// A worker's and a front's right.
void ensure_consumer(Connection &connection, const std::string &painter, std::chrono::milliseconds ack_wait);

/// A task on its way. Times on the wire are milliseconds of Unix time.
Headers headers_of(const Task &task, std::uint64_t generation, std::chrono::system_clock::time_point deadline,
                   const std::string &painter_digest);

/// Takes a task that waits out of the queue. One that was taken and acknowledged while the broker was
/// restarted may lie there for good: what it knew of deliveries was not on its disk yet.
void remove_task(Connection &connection, std::uint64_t sequence, const std::string &key,
                 std::uint64_t generation);

struct Arrived {
    Task task;
    std::uint64_t generation = 0;
    std::chrono::system_clock::time_point deadline;
    std::string painter_digest; ///< of its options
};
/// Throws std::exception for a message that is none of ours.
Arrived read_task(const Message &message);

/// Work that several jobs may wait for, by its cache key.
struct Work {
    std::uint64_t generation = 1; ///< one more each time that it is queued anew, after a failure or a cancel
    JobState state = JobState::queued;
    std::string stage = "queue";
    double progress = 0;
    std::uint64_t version = 0;
    std::chrono::system_clock::time_point queued, started, finished;
    std::chrono::system_clock::time_point deadline; ///< of the job that came last
    std::string request_id;                         ///< of the job that came first
    std::string worker;                             ///< who runs or ran it
    unsigned attempts = 0;                          ///< workers that began it and did not give it back
    std::uint64_t sequence = 0;                     ///< in ANIME_TASKS; 0: not known to be there
    std::vector<std::string> jobs;                  ///< ids of those that want it
    bool more = false;                              ///< and others, so that it can't be cancelled
    std::optional<Problem> problem;
    std::optional<PictureInfo> picture;

    /// How the generation before ended, for whoever asks for its jobs.
    struct Before {
        std::uint64_t generation = 0;
        JobState state = JobState::failed;
        std::chrono::system_clock::time_point finished;
        std::optional<Problem> problem;
        std::optional<PictureInfo> picture;
    };
    std::optional<Before> before;
};
std::string write(const Work &work);
/// Throws nlohmann::json::exception.
Work read_work(const std::string &json);

/// Ids that a Work lists at most.
constexpr std::size_t most_listed_jobs = 64;
void add_job(Work &work, const std::string &id);
/// In a final state, now.
void end(Work &work, JobState state, const std::optional<Problem> &problem = std::nullopt);
/// For a new try after `last` has ended.
Work next_generation(const Work &last);

struct JobRecord {
    JobView view; ///< of what never changes
    std::uint64_t generation = 0;
    bool cancelled = false;         ///< itself, while others may go on
    std::optional<Problem> problem; ///< its own end, while others may go on
};
std::string write(const JobRecord &job);
/// Throws nlohmann::json::exception.
JobRecord read_job(const std::string &json);

struct IdemRecord {
    std::string job;
    std::string key; ///< cache key
};
std::string write(const IdemRecord &record);
/// Throws nlohmann::json::exception.
IdemRecord read_idem(const std::string &json);

/// The picture of a key, if the broker still has it. Throws BrokerError.
PicturePtr find_result(Connection &connection, const std::string &key);
void put_result(Connection &connection, const std::string &key, const Picture &picture);

std::string_view view_of(const Bytes &bytes);
std::int64_t unix_ms(std::chrono::system_clock::time_point time);
std::chrono::system_clock::time_point from_unix_ms(std::int64_t milliseconds);

} // namespace anime::service::broker
