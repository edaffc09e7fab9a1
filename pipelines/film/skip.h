// SPDX-License-Identifier: LGPL-2.1-or-later
// How a film that is gone on with gets past the pictures that are painted already: by a seek where the
// container has exact times, else by decoding them. A seek is not believed: the last picture that is painted
// has to be seen behind it, at its time.
#pragma once

#include "elements/common/gst_raii.h"

#include <atomic>
#include <cstdint>
#include <memory>

namespace anime
{

/// A moment before the last picture is painted again without being kept, so that what smooths pictures over
/// time has got its past.
constexpr GstClockTimeDiff warm_up = GST_SECOND / 2;

/// Times in ns of the film's running time.
struct Skip {
    std::int64_t after = -1; ///< of the last picture that is painted; -1: nothing is skipped
    bool seeks = false;

    enum Stage { at_the_beginning, sought, there };
    std::atomic<Stage> stage = there;
    std::atomic<GstClockTimeDiff> ahead = 0; ///< running time less stream time, from the film's beginning
    std::atomic<bool> decoding = false;      ///< a picture has come: the demuxer can be told to seek
    std::atomic<bool> found = false;         ///< the last picture
    std::atomic<bool> missed = false;        ///< one behind it came first

    bool is_kept(std::int64_t time) const;
};

using SharedSkip = std::shared_ptr<Skip>;

SharedSkip make_skip(std::int64_t after, bool seeks);

/// On the parsebin's pad of the picture: keeps the running time what it would be without the seek.
void keep_running_time(GstPad *stream, const SharedSkip &skip);

/// On the decoder's source pad: holds back what is painted already. `warm`: lets the last of it pass.
void skip_painted(GstPad *decoded, const SharedSkip &skip, bool warm);

/// On a pad between painter and encoder: holds back what skip_painted() let pass.
void skip_warm_up(GstPad *painted, const SharedSkip &skip);

/// To be called now and then by the thread that runs the pipeline; sends the seek when it is time.
void seek_if_due(GstElement *decodebin, Skip &skip);

} // namespace anime
