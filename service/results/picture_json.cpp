// SPDX-License-Identifier: LGPL-2.1-or-later
#include "service/results/picture_json.h"

#include <nlohmann/json.hpp>

#include <array>
#include <utility>

namespace anime::service
{

namespace
{

constexpr std::array<std::pair<const char *, double Timings::*>, 8> stages = {{
    {"receive", &Timings::receive},
    {"queue", &Timings::queue},
    {"decode", &Timings::decode},
    {"faces", &Timings::faces},
    {"wait", &Timings::wait},
    {"paint", &Timings::paint},
    {"encode", &Timings::encode},
    {"total", &Timings::total},
}};

} // namespace

nlohmann::json to_json(const PictureInfo &info)
{
    nlohmann::json json = {{"media_type", info.media_type},
                           {"source_format", info.source_format},
                           {"source", {info.source.width, info.source.height}},
                           {"processed", {info.processed.width, info.processed.height}},
                           {"faces", info.faces},
                           {"model", info.model},
                           {"digest", info.digest},
                           {"bytes", info.bytes}};
    for (const auto &[name, milliseconds] : stages)
        json["timings"][name] = info.timings.*milliseconds;
    return json;
}

PictureInfo picture_info_of(const nlohmann::json &json)
{
    PictureInfo info;
    json.at("media_type").get_to(info.media_type);
    json.at("source_format").get_to(info.source_format);
    info.source = {json.at("source").at(0), json.at("source").at(1)};
    info.processed = {json.at("processed").at(0), json.at("processed").at(1)};
    json.at("faces").get_to(info.faces);
    json.at("model").get_to(info.model);
    json.at("digest").get_to(info.digest);
    json.at("bytes").get_to(info.bytes);
    // Files that an earlier version has cached don't tell.
    if (const auto timings = json.find("timings"); timings != json.end())
        for (const auto &[name, milliseconds] : stages)
            timings->at(name).get_to(info.timings.*milliseconds);
    return info;
}

nlohmann::json to_json(const PaintOptions &options)
{
    return {{"pipeline", options.pipeline},
            {"style", options.style},
            {"format", options.format},
            {"quality", options.quality},
            {"max_dimension", options.max_dimension},
            {"strength", options.strength},
            {"faces", options.faces}};
}

PaintOptions paint_options_of(const nlohmann::json &json)
{
    PaintOptions options;
    json.at("pipeline").get_to(options.pipeline);
    json.at("style").get_to(options.style);
    json.at("format").get_to(options.format);
    json.at("quality").get_to(options.quality);
    json.at("max_dimension").get_to(options.max_dimension);
    json.at("strength").get_to(options.strength);
    json.at("faces").get_to(options.faces);
    return options;
}

} // namespace anime::service
