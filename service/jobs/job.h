// SPDX-License-Identifier: LGPL-2.1-or-later
// A job, the work that it stands for, and what is told of it.
#pragma once

#include "service/picture.h"
#include "service/problem.h"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace anime::service
{

enum class JobState { queued, running, succeeded, failed, cancelled };
const char *name_of(JobState state);
/// Nothing for a name that is none.
std::optional<JobState> job_state_of(const std::string &name);
inline bool is_final(JobState state)
{
    return state != JobState::queued && state != JobState::running;
}

/// Work: one pipeline run, as it may travel to another host.
struct Task {
    std::string key;        ///< cache key
    std::string request_id; ///< of the job that came first; the log lines of the run carry it
    PaintOptions options;
    std::shared_ptr<const Bytes> input;
    double receive_ms = 0;
    std::chrono::steady_clock::time_point queued;
};

/// A task in this process, and what can still be done about it. Several jobs share it when they are equal; it
/// is cancelled when all of them are.
struct Run : Task {
    std::atomic<std::chrono::steady_clock::time_point> deadline; ///< of the job that came last
    std::atomic<bool> cancel{false};
    bool taken = false;       ///< by a worker that has not reported back; the board's own
    std::uint64_t ticket = 0; ///< in the queue, whose own it is
};
using RunPtr = std::shared_ptr<Run>;

struct NewJob {
    std::string request_id;
    std::string client; ///< whose idempotency key it is
    std::string file_name;
    std::string key;
    std::string idempotency_key; ///< empty: none
    PaintOptions options;
    std::shared_ptr<const Bytes> input;
    double receive_ms = 0;
    bool attached = false; ///< to the connection that makes it: detach() once that has ended
    PicturePtr cached;     ///< found in the cache: the job is done at once
};

/// A copy of what is known of a job.
struct JobView {
    std::string id;
    std::string request_id;
    std::string file_name;
    std::string key;
    std::uint64_t input_bytes = 0;
    PaintOptions options;
    JobState state = JobState::queued;
    std::string stage = "queue"; ///< queue, decode, faces, paint, encode, done
    double progress = 0;
    std::size_t position = 0; ///< in the queue, 1: next; 0: not in it
    std::string cache;        ///< miss, hit, shared
    std::string painted_by;   ///< request id of the run that it shares
    std::uint64_t version = 0;
    std::chrono::system_clock::time_point created, started, finished, expires;
    std::optional<PictureInfo> picture;
    std::optional<Problem> problem;
    bool accepted = true; ///< by the queue; what is not may still be refused, or turn out to be another's
    bool refused = false; ///< by the queue: `problem` says why; the job is forgotten soon
    std::string same_as;  ///< the job that its Idempotency-Key stands for, where that is another server's
};

struct Submission {
    std::optional<JobView> job;
    std::optional<Problem> problem;
};

} // namespace anime::service
