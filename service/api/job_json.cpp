// SPDX-License-Identifier: LGPL-2.1-or-later
#include "service/api/job_json.h"

#include "service/text.h"

#include <nlohmann/json.hpp>

#include <array>
#include <cmath>
#include <cstdio>

namespace anime::service
{

namespace
{

double rounded(double milliseconds)
{
    return std::round(milliseconds * 10) / 10;
}

nlohmann::ordered_json to_json(const Timings &t)
{
    return {{"receive", rounded(t.receive)}, {"queue", rounded(t.queue)}, {"decode", rounded(t.decode)},
            {"faces", rounded(t.faces)},     {"wait", rounded(t.wait)},   {"paint", rounded(t.paint)},
            {"encode", rounded(t.encode)},   {"total", rounded(t.total)}};
}

} // namespace

nlohmann::ordered_json to_json(const JobView &job)
{
    const std::string self = "/v1/jobs/" + job.id;
    nlohmann::ordered_json json = {
        {"id", job.id},
        {"state", name_of(job.state)},
        {"stage", job.stage},
        {"progress", job.progress},
        {"request_id", job.request_id},
        {"cache", job.cache},
        {"file", {{"name", job.file_name}, {"bytes", job.input_bytes}}},
        {"options",
         {{"pipeline", job.options.pipeline},
          {"style", job.options.style},
          {"strength", job.options.strength},
          {"faces", job.options.faces},
          {"format", job.options.format}}},
        {"created", rfc3339(job.created)},
    };
    if (job.options.quality > 0)
        json["options"]["quality"] = job.options.quality;
    if (job.options.max_dimension > 0)
        json["options"]["max_dimension"] = job.options.max_dimension;
    if (job.position > 0)
        json["position"] = job.position;
    if (job.started != std::chrono::system_clock::time_point{})
        json["started"] = rfc3339(job.started);
    if (is_final(job.state)) {
        json["finished"] = rfc3339(job.finished);
        json["expires"] = rfc3339(job.expires);
    }
    if (job.picture) {
        const PictureInfo &p = *job.picture;
        if (p.source.width > 0)
            json["source"] = {
                {"width", p.source.width}, {"height", p.source.height}, {"format", p.source_format}};
        json["result"] = {{"url", self + "/result"}, {"media_type", p.media_type}, {"bytes", p.bytes}};
        if (p.processed.width > 0) {
            json["result"]["width"] = p.processed.width;
            json["result"]["height"] = p.processed.height;
        }
        json["faces"] = p.faces;
        json["model"] = {{"name", p.model}, {"digest", p.digest}};
        json["timings"] = to_json(p.timings);
    }
    if (job.problem)
        json["error"] = to_json(*job.problem, job.request_id, self);
    json["links"] = {{"self", self}, {"events", self + "/events"}, {"result", self + "/result"}};
    return json;
}

std::string server_timing(const Timings &t)
{
    std::string header;
    const std::pair<const char *, double> stages[] = {
        {"receive", t.receive}, {"queue", t.queue}, {"decode", t.decode}, {"faces", t.faces},
        {"wait", t.wait},       {"paint", t.paint}, {"encode", t.encode}, {"total", t.total}};
    for (const auto &[stage, milliseconds] : stages) {
        std::array<char, 48> part{};
        std::snprintf(part.data(), part.size(), "%s%s;dur=%.1f", header.empty() ? "" : ", ", stage,
                      milliseconds);
        header += part.data();
    }
    return header;
}

std::string etag_of(const JobView &job)
{
    return quoted_tag(job.key);
}

} // namespace anime::service
