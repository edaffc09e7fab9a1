// SPDX-License-Identifier: LGPL-2.1-or-later
// The net that stands in for a style where the machine is too slow for it.
#pragma once

#include "elements/animeganfilter/frame_painter.h"

#include <functional>
#include <memory>
#include <string>

namespace anime
{

/// The open quick net of a style, if it has one and if a rate is to be held. For one stream.
class QuickNet
{
public:
    /// Null where there is none.
    Painter *painter() { return painter_.get(); }

    /// Whether `name` (empty: none) is what is open.
    bool is(const std::string &name) const { return name == name_; }
    void open(const std::string &name, std::shared_ptr<Painter> painter);
    void close() { *this = {}; }

    /// Has the style and the quick net make their plans for a new size before they are needed, with the first
    /// frame of that size, which takes longer anyway: no frame waits when the net changes. `now` is what this
    /// frame is painted with, by `chosen`, which makes that plan.
    void rehearse(FramePainter &frames, Painter &style, const Painter &chosen, const ConstImage &in,
                  const FrameSettings &now, const std::atomic<bool> &cancel);

private:
    struct Rehearsal {
        std::string model;
        int width = 0;
        int height = 0;
        int max_dimension = 0;

        bool operator==(const Rehearsal &) const = default;
    };

    std::shared_ptr<Painter> painter_;
    std::string name_;
    Rehearsal done_; ///< what both nets have plans for
};

} // namespace anime
