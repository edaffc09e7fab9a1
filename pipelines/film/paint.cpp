// SPDX-License-Identifier: LGPL-2.1-or-later
#include "pipelines/film/paint.h"

#include "pipelines/film/halves.h"
#include "pipelines/film/problem.h"
#include "pipelines/film/stall.h"

#include <gst/video/video.h>

#include <algorithm>
#include <cstdio>

namespace anime
{

namespace
{

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

/// How much painting a crash may cost. Encoders put a key frame every few seconds of the film, which a slow
/// machine may take minutes for.
constexpr auto key_frame_every = 20s;

void set_options(Pipeline &pipeline, const FilmJob &job)
{
    pipeline.set("input", "location", job.input);
    if (!job.style.empty())
        pipeline.set("paint", "model", job.style);
    if (!job.style.empty() && pipeline.has("faces", "facepaint"))
        pipeline.set("faces", "model", job.style);
    if (job.strength)
        pipeline.set("paint", "strength", *job.strength);
    if (job.strength == 0.0 && pipeline.has("faces", "facepaint"))
        pipeline.set("faces", "max-faces", std::int64_t{0}); // nothing of them would be seen
}

class Painting
{
public:
    Painting(const Description &description, const FilmJob &job, const FilmLook &look, PictureJob picture)
        : job_(job), look_(look), picture_(std::move(picture)), pipeline_(painting_half(description))
    {
        set_options(*pipeline_, job);
        prepare_picture(*pipeline_, picture_);
        const ElementPtr parsebin = pipeline_->element("streams");
        keep_subtitles_as_they_are(parsebin.get());
        g_signal_connect_data(
            parsebin.get(), "pad-added", G_CALLBACK(stream_added),
            new Wanted{look.streams[look.picture].id, picture_},
            [](gpointer data, GClosure *) { delete static_cast<Wanted *>(data); }, GConnectFlags(0));
        decoder_ = pipeline_->element("decoder");
        const ElementPtr coded = pipeline_->element("coded");
        coded_.reset(gst_element_get_static_pad(coded.get(), "src"));
    }

    RunResult run()
    {
        RunLimits limits;
        limits.cancel = job_.limits.cancel;
        limits.watch = [this](bool failed) { return watch(failed); };
        limits.finish_within = 10min;
        return pipeline_->run(limits);
    }

private:
    struct Wanted {
        std::string id;
        PictureJob picture;
    };

    static void stream_added(GstElement *parsebin, GstPad *pad, gpointer data)
    {
        const auto &[id, picture] = *static_cast<Wanted *>(data);
        if (id_of(pad) != id)
            return;
        const ElementPtr pipeline(GST_ELEMENT(gst_element_get_parent(parsebin)));
        const ElementPtr queue(gst_bin_get_by_name(GST_BIN(pipeline.get()), "picture"));
        link_picture(queue.get(), pad, picture);
    }

    std::optional<RunFailure> watch(bool failed)
    {
        tell();
        seek_if_due(decoder_.get(), *picture_.skip);
        if (picture_.skip->missed)
            return problem("film-resume-refused",
                           "The last picture that is painted is not in the film any more.",
                           "Paint it anew, without --resume.");
        ask_for_key_frame();
        return stalled(failed);
    }

    void tell()
    {
        const std::uint64_t painted = picture_.counts->painted;
        if (!job_.on_progress || painted == 0)
            return;
        FilmProgress progress;
        progress.frames = painted;
        progress.frames_before = picture_.journal->pictures_before();
        if (const auto whole = static_cast<double>(look_.duration.count()); whole > 0) {
            progress.part = std::min(1.0, static_cast<double>(picture_.counts->painted_to) / whole);
            progress.part_before = std::max(0.0, static_cast<double>(picture_.skip->after) / whole);
        }
        job_.on_progress(progress);
    }

    void ask_for_key_frame()
    {
        const std::uint64_t begins = picture_.counts->begins;
        if (begins != begins_ || picture_.counts->painted == 0) {
            begins_ = begins;
            began_ = Clock::now();
        }
        if (Clock::now() - began_ < key_frame_every)
            return;
        began_ = Clock::now();
        gst_pad_send_event(coded_.get(),
                           gst_video_event_new_upstream_force_key_unit(GST_CLOCK_TIME_NONE, TRUE, 0));
    }

    /// Gives the film up when nothing has come in or gone out for too long.
    std::optional<RunFailure> stalled(bool failed)
    {
        const std::uint64_t painted = picture_.counts->painted;
        if (!stall_.gives_up(picture_.counts->arrived + painted, failed))
            return std::nullopt;
        char seconds[32];
        std::snprintf(seconds, sizeof seconds, "%.2f s",
                      std::chrono::duration<double>(job_.limits.stall).count());
        return problem("film-stalled",
                       std::string("No frame came for ") + seconds + ", after " + std::to_string(painted) +
                           ".",
                       "The file is damaged, or the machine too slow for it: --stall-after allows more.");
    }

    const FilmJob &job_;
    const FilmLook &look_;
    PictureJob picture_;
    std::unique_ptr<Pipeline> pipeline_;
    ElementPtr decoder_;
    PadPtr coded_;
    std::uint64_t begins_ = 0;
    StallWatch stall_{job_.limits.stall};
    Clock::time_point began_ = Clock::now();
};

} // namespace

RunResult paint_pictures(const Description &description, const FilmJob &job, const FilmLook &look,
                         const PicturePlan &plan, const SharedCounts &counts,
                         const std::shared_ptr<Journal> &journal)
{
    const bool may_seek = journal->pictures() > 0 && look.seeks_exactly;
    SharedSkip skip = make_skip(journal->latest(), may_seek);
    {
        Painting painting(description, job, look, {plan, counts, skip, journal});
        RunResult result = painting.run();
        if (!skip->seeks || !skip->missed)
            return result;
    }
    // The seek came too late in the film: all of it is decoded.
    skip = make_skip(journal->latest(), false);
    Painting painting(description, job, look, {plan, counts, skip, journal});
    return painting.run();
}

} // namespace anime
