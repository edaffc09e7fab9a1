// SPDX-License-Identifier: LGPL-2.1-or-later
#include "pipelines/film/film.h"

#include "pipelines/film/encoder.h"
#include "pipelines/film/join.h"
#include "pipelines/film/paint.h"
#include "pipelines/film/problem.h"
#include "pipelines/film/scan.h"
#include "pipelines/film/yuv_filter.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <iterator>
#include <set>
#include <sstream>
#include <sys/stat.h>

namespace anime
{

namespace
{

using namespace std::chrono_literals;
using std::chrono::nanoseconds;

/// More than headers round, and less than anybody would miss.
constexpr nanoseconds end_tolerance = 250ms;

std::string seconds(nanoseconds time)
{
    char text[32];
    std::snprintf(text, sizeof text, "%.2f s", std::chrono::duration<double>(time).count());
    return text;
}

void add_notes(FilmResult &result, const PicturePlan &plan, const FilmCounts &counts, bool ended)
{
    const auto note = [&](const char *code, std::string message) {
        result.notes.push_back(problem(code, std::move(message)));
    };
    if (plan.hdr)
        note("film-tone-mapped", "The film has a high dynamic range; it was painted and written as BT.709.");
    if (plan.alpha)
        note("film-flattened", "The film is transparent in places; it was painted over white.");
    if (counts.odd)
        note("film-resized", "The film's size is odd, which H.264 can't be; it was scaled by one pixel.");
    if (counts.resized)
        note("film-resized", "The film's size changes in mid-stream; all of it was scaled to the first one.");
    // Where painting broke off, frames were still on their way.
    const std::uint64_t lost = ended && counts.packets > counts.decoded ? counts.packets - counts.decoded : 0;
    if (lost || counts.damaged)
        note("film-frames-damaged", std::to_string(lost) + " of " + std::to_string(counts.packets) +
                                        " frames could not be decoded, and " +
                                        std::to_string(counts.damaged) + " more are damaged.");
}

/// What is wrong with a run that came to its end.
std::optional<RunFailure> shortfall(const FilmLook &look, nanoseconds read, const FilmCounts &counts,
                                    std::uint64_t frames)
{
    if (frames == 0)
        return problem("film-unreadable", "No frame of the film could be decoded.",
                       "It is damaged; try to play it.");
    if (look.duration.count() > 0 && look.duration - read > end_tolerance)
        return problem("film-truncated",
                       "The film ends after " + seconds(read) + " of the " + seconds(look.duration) +
                           " that its header says; " + std::to_string(frames) + " frames were painted.",
                       "The file is not whole: copy or download it again. If it plays to its end, its edit "
                       "list is one that "
                       "GStreamer does not follow: remux it, as \"ffmpeg -i IN -c copy OUT.mkv\" does.");
    if (counts.painted != counts.decoded)
        return problem("film-frames-lost",
                       "Of " + std::to_string(counts.decoded) + " frames " + std::to_string(counts.painted) +
                           " were written.",
                       "Please report it, with the file.");
    return std::nullopt;
}

/// What tells a file from another of that name: its size and time.
std::string version_of(const std::string &file)
{
    struct stat found = {};
    if (stat(file.c_str(), &found) != 0)
        return {};
    char text[96];
    std::snprintf(text, sizeof text, "%lld bytes of %lld.%09ld", static_cast<long long>(found.st_size),
                  static_cast<long long>(found.st_mtim.tv_sec), found.st_mtim.tv_nsec);
    return text;
}

/// What the painted pictures depend on. A style may be a file.
JournalTerms terms_of(const FilmJob &job, const Description &description)
{
    const std::string usual = "the description's";
    char strength[32] = {};
    if (job.strength)
        std::snprintf(strength, sizeof strength, "%.17g", *job.strength);
    std::string style = job.style.empty() ? usual : job.style;
    if (const std::string version = version_of(job.style); !version.empty())
        style.append(", ").append(version);
    const StringPtr sum(g_compute_checksum_for_string(G_CHECKSUM_SHA256, description.text.c_str(), -1));
    return {{"program", ANIME_VERSION},
            {"film", version_of(job.input)},
            {"style", style},
            {"strength", job.strength ? strength : usual},
            {"description", description.name + " " + std::string(sum.get()).substr(0, 16)}};
}

/// May the same film be painted to its end another time? Not if the fault is its own.
bool may_pass(const RunFailure &failure)
{
    constexpr std::array codes = {"cancelled",    "device-lost",   "film-resume-refused",
                                  "film-stalled", "out-of-memory", "stuck"};
    return failure.code.starts_with("resource-") || std::ranges::find(codes, failure.code) != codes.end();
}

} // namespace

bool is_film(const Description &description)
{
    std::istringstream text(description.text);
    const std::set<std::string> words{std::istream_iterator<std::string>(text), {}};
    constexpr std::array names = {"name=streams", "name=picture", "name=decoder",
                                  "name=frames",  "name=coded",   "name=mux"};
    return std::ranges::all_of(names, [&](const char *name) { return words.contains(name); });
}

FilmResult paint_film(const Description &description, const FilmJob &job)
{
    register_yuv_filters();
    const Description chosen = with_working_encoders(description);
    const FilmLook look = look_at_film(job.input, job.limits);
    Join join(chosen, look);
    FilmScan scan = scan_film(job.input, join.subtitles(), job.limits);
    const nanoseconds end = scan.end;
    const auto journal = std::make_shared<Journal>(job.journal, terms_of(job, chosen), job.resume);

    FilmResult result;
    PicturePlan plan = plan_picture(look);
    plan.even = join.takes_h264();
    const auto counts = std::make_shared<FilmCounts>();
    result.frames_before = journal->pictures();
    RunResult painting;
    if (!journal->is_complete())
        painting = paint_pictures(chosen, job, look, plan, counts, journal);
    result.frames = journal->pictures();
    result.failure = painting.failure;
    if (!painting.failure) {
        result.failure = shortfall(look, end, *counts, result.frames);
        journal->write_end();
    }
    add_notes(result, plan, *counts, !painting.failure);
    if (result.frames == 0)
        return result;
    result.kept = job.resume && painting.failure && may_pass(*painting.failure);
    if (result.kept || (painting.failure && painting.failure->code == "cancelled"))
        return result;

    Join::Films films = {job.input, job.output, std::nullopt};
    if (painting.failure)
        films.until = nanoseconds(journal->latest());
    const RunResult joined = join.run(films, scan, journal, job.limits);
    result.playable = joined.reached_end;
    std::ranges::copy(join.notes(), std::back_inserter(result.notes));
    if (!result.failure && joined.failure && joined.failure->code == "resource-no-space-left")
        result.failure = problem(joined.failure->code,
                                 "There is no space left in which the painted pictures could be joined with "
                                 "the film's sound; for that moment they are there twice.",
                                 "Free space, or paint into another folder.");
    else if (!result.failure)
        result.failure = joined.failure;
    result.kept = job.resume && joined.failure && may_pass(*joined.failure);
    if (!result.kept)
        journal->drop();
    return result;
}

} // namespace anime
