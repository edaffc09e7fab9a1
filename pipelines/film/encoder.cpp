// SPDX-License-Identifier: LGPL-2.1-or-later
#include "pipelines/film/encoder.h"

namespace anime
{

namespace
{

using namespace std::chrono_literals;

bool works(const std::string &encoder)
{
    try {
        Pipeline trial({"trial of " + encoder,
                        "videotestsrc num-buffers=3 ! video/x-raw,format=I420,width=320,height=240,"
                        "framerate=25/1 ! " +
                            encoder + " ! fakesink"});
        RunLimits limits;
        limits.deadline = std::chrono::steady_clock::now() + 20s;
        return trial.run(limits).ok();
    } catch (const PipelineError &) {
        return false;
    }
}

} // namespace

Description with_working_encoders(const Description &description)
{
    Description chosen = description;
    for (const auto &[name, alternatives] : description.alternatives) {
        const std::string place = "{" + name + "}";
        const std::size_t at = chosen.text.find(place);
        if (at == std::string::npos)
            continue;
        std::string tried;
        bool found = false;
        for (const std::string &one : alternatives) {
            if (!works(one)) {
                tried += (tried.empty() ? "" : ", ") + one.substr(0, one.find(' '));
                continue;
            }
            chosen.text.replace(at, place.size(), one);
            found = true;
            break;
        }
        if (found)
            continue;
        RunFailure failure;
        failure.code = "film-encoder-missing";
        failure.message = "The pipeline \"" + description.name +
                          "\" has no encoder that works here; it tried " + tried + ".";
        failure.remedy =
            "Install the Debian packages gstreamer1.0-plugins-ugly and gstreamer1.0-plugins-bad.";
        throw PipelineError(failure);
    }
    return chosen;
}

} // namespace anime
