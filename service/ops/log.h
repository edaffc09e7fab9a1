// SPDX-License-Identifier: LGPL-2.1-or-later
// JSON lines on a descriptor that may be full: whoever logs never waits, what doesn't fit is counted.
#pragma once

#include "service/problem.h"

#include <nlohmann/json_fwd.hpp>

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <thread>

namespace anime::service
{

/// Lines go into a ring of at most `most_bytes`; a thread of its own writes them. The descriptor is only
/// written to while poll() says that it takes data, so a reader that has stopped can't stop the thread
/// either.
class LineWriter
{
public:
    explicit LineWriter(int descriptor, std::size_t most_bytes = 1 << 20);
    /// Writes what is left if the descriptor takes it within a second.
    ~LineWriter();
    LineWriter(const LineWriter &) = delete;
    LineWriter &operator=(const LineWriter &) = delete;

    /// False if the ring was full and the line was dropped. `line` has no newline.
    bool write(std::string line);
    /// Lines that were lost, here or because they could not be written.
    std::uint64_t dropped() const;
    std::size_t pending() const; ///< bytes that wait

private:
    void run();
    /// False if the writer is to stop before everything is out.
    bool write_out(const std::string &line);
    bool lose_line(); ///< true: the next may be luckier
    bool stopping() const;

    const int descriptor_;
    const std::size_t most_bytes_;
    mutable std::mutex lock_; // protects what follows
    std::condition_variable changed_;
    std::deque<std::string> lines_;
    std::size_t bytes_ = 0;
    std::uint64_t dropped_ = 0;
    bool stop_ = false;
    std::thread thread_;
};

enum class Level { debug, info, warning, error };

/// The log's layers, in the order that a request meets them; `service` is for what concerns no request.
enum class Layer { access, validation, preprocess, inference, failure, service };

class Log
{
public:
    explicit Log(LineWriter &writer) : writer_(writer) {}

    /// One line: time, level, layer, request_id where there is one, message, then `fields`.
    void write(Level level, Layer layer, const std::string &request_id, const std::string &message,
               const nlohmann::ordered_json &fields);
    void service(Level level, const std::string &message);
    /// Why a request or a job got no picture: an error where the status is a 5xx, else a warning.
    void failure(const std::string &request_id, const Problem &problem, const std::string &stage,
                 const nlohmann::ordered_json &context, const std::string &element = {});

    std::uint64_t dropped() const { return writer_.dropped(); }

private:
    LineWriter &writer_;
};

/// Sends GLib's and GStreamer's own messages to `log`; after its end they go where they went before. One at a
/// time.
class GlibToLog
{
public:
    explicit GlibToLog(Log &log);
    ~GlibToLog();
    GlibToLog(const GlibToLog &) = delete;
    GlibToLog &operator=(const GlibToLog &) = delete;
};

} // namespace anime::service
