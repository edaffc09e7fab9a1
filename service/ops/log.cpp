// SPDX-License-Identifier: LGPL-2.1-or-later
#include "service/ops/log.h"

#include "service/http/wall.h"
#include "service/json_text.h"
#include "service/text.h"

#include <glib.h>
#include <nlohmann/json.hpp>

#include <poll.h>
#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <climits>
#include <csignal>
#include <string_view>

namespace anime::service
{

LineWriter::LineWriter(int descriptor, std::size_t most_bytes)
    : descriptor_(descriptor), most_bytes_(most_bytes), thread_([this] { run(); })
{
}

LineWriter::~LineWriter()
{
    {
        const std::lock_guard guard(lock_);
        stop_ = true;
    }
    changed_.notify_all();
    thread_.join();
}

bool LineWriter::write(std::string line)
{
    line += '\n';
    {
        const std::lock_guard guard(lock_);
        if (bytes_ + line.size() > most_bytes_) {
            ++dropped_;
            return false;
        }
        bytes_ += line.size();
        lines_.push_back(std::move(line));
    }
    changed_.notify_one();
    return true;
}

std::uint64_t LineWriter::dropped() const
{
    const std::lock_guard guard(lock_);
    return dropped_;
}

std::size_t LineWriter::pending() const
{
    const std::lock_guard guard(lock_);
    return bytes_;
}

bool LineWriter::lose_line()
{
    const std::lock_guard guard(lock_);
    ++dropped_;
    return true;
}

bool LineWriter::stopping() const
{
    const std::lock_guard guard(lock_);
    return stop_;
}

void LineWriter::run()
{
    sigset_t signals; // SIGPIPE would end the process; the others belong to the main thread
    sigfillset(&signals);
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);

    while (true) {
        std::string line;
        {
            std::unique_lock guard(lock_);
            changed_.wait(guard, [this] { return stop_ || !lines_.empty(); });
            if (lines_.empty())
                return;
            line = std::move(lines_.front());
            lines_.pop_front();
        }
        const bool written = write_out(line);
        const std::lock_guard guard(lock_);
        bytes_ -= line.size();
        if (!written)
            return;
    }
}

bool LineWriter::write_out(const std::string &line)
{
    std::string_view left = line;
    int patience = 10; // tenths of a second, counted once the writer is to stop
    while (!left.empty()) {
        pollfd ready{descriptor_, POLLOUT, 0};
        if (poll(&ready, 1, 100) <= 0) {
            if (stopping() && --patience <= 0)
                return false;
            continue;
        }
        // A pipe that polls writable takes PIPE_BUF bytes without blocking, and not always more.
        const ssize_t written =
            ::write(descriptor_, left.data(), std::min<std::size_t>(left.size(), PIPE_BUF));
        if (written > 0)
            left.remove_prefix(static_cast<std::size_t>(written));
        else if (errno != EINTR && errno != EAGAIN)
            return lose_line(); // the reader is gone, or its disk is full
    }
    return true;
}

namespace
{

const char *name_of(Level level)
{
    switch (level) {
    case Level::debug:
        return "debug";
    case Level::info:
        return "info";
    case Level::warning:
        return "warning";
    case Level::error:
        return "error";
    }
    return "error";
}

const char *name_of(Layer layer)
{
    switch (layer) {
    case Layer::access:
        return "access";
    case Layer::validation:
        return "validation";
    case Layer::preprocess:
        return "preprocess";
    case Layer::inference:
        return "inference";
    case Layer::failure:
        return "failure";
    case Layer::service:
        return "service";
    }
    return "service";
}

/// Threads of libraries outlive any log; none of them waits here for more than a line.
std::mutex glib_lock;
Log *glib_log = nullptr; // protected by it

GLogWriterOutput write_to_log(GLogLevelFlags flags, const GLogField *fields, gsize count)
{
    std::string message;
    std::string domain;
    const auto text_of = [](const GLogField &field) {
        const char *text = static_cast<const char *>(field.value);
        return field.length < 0 ? std::string(text)
                                : std::string(text, static_cast<std::size_t>(field.length));
    };
    for (gsize i = 0; i < count; ++i) {
        if (std::string_view(fields[i].key) == "MESSAGE")
            message = text_of(fields[i]);
        else if (std::string_view(fields[i].key) == "GLIB_DOMAIN")
            domain = text_of(fields[i]);
    }
    if (flags & (G_LOG_LEVEL_DEBUG | G_LOG_LEVEL_INFO))
        return G_LOG_WRITER_HANDLED;
    const Level level = flags & (G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL) ? Level::error
                        : flags & G_LOG_LEVEL_WARNING                      ? Level::warning
                                                                           : Level::info;
    const std::lock_guard guard(glib_lock);
    if (!glib_log)
        return g_log_writer_default(flags, fields, count, nullptr);
    glib_log->write(level, Layer::service, {}, message, {{"library", domain}});
    return G_LOG_WRITER_HANDLED;
}

/// GLib is C: nothing may be thrown through it. A line that there is no memory for goes where GLib puts it.
GLogWriterOutput write_glib(GLogLevelFlags flags, const GLogField *fields, gsize count, gpointer)
{
    return behind_wall(
        "a line of GLib's log", [](const std::string &) {}, G_LOG_WRITER_UNHANDLED,
        [&] { return write_to_log(flags, fields, count); });
}

} // namespace

void Log::write(Level level, Layer layer, const std::string &request_id, const std::string &message,
                const nlohmann::ordered_json &fields)
{
    nlohmann::ordered_json line = {{"time", rfc3339(std::chrono::system_clock::now())},
                                   {"level", name_of(level)},
                                   {"layer", name_of(layer)}};
    if (!request_id.empty())
        line["request_id"] = request_id;
    line["message"] = message;
    for (const auto &[key, value] : fields.items())
        line[key] = value;
    writer_.write(dump(line));
}

void Log::service(Level level, const std::string &message)
{
    write(level, Layer::service, {}, message, nlohmann::ordered_json::object());
}

void Log::failure(const std::string &request_id, const Problem &problem, const std::string &stage,
                  const nlohmann::ordered_json &context, const std::string &element)
{
    nlohmann::ordered_json fields = {{"code", problem.code}, {"stage", stage}};
    if (!element.empty())
        fields["element"] = element;
    fields["detail"] = problem.message;
    if (!problem.debug.empty())
        fields["debug"] = problem.debug;
    if (problem.limit)
        fields["limit"] = *problem.limit;
    if (problem.actual)
        fields["actual"] = *problem.actual;
    fields["context"] = context;
    write(problem.status >= 500 ? Level::error : Level::warning, Layer::failure, request_id, problem.message,
          fields);
}

GlibToLog::GlibToLog(Log &log)
{
    // GLib takes a writer once in a process.
    static const bool set = (g_log_set_writer_func(write_glib, nullptr, nullptr), true);
    static_cast<void>(set);
    const std::lock_guard guard(glib_lock);
    glib_log = &log;
}

GlibToLog::~GlibToLog()
{
    const std::lock_guard guard(glib_lock);
    glib_log = nullptr;
}

} // namespace anime::service
