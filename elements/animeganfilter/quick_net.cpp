// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/animeganfilter/quick_net.h"

#include <utility>

namespace anime
{

void QuickNet::open(const std::string &name, std::shared_ptr<Painter> painter)
{
    painter_ = std::move(painter);
    name_ = name;
    done_ = {};
}

void QuickNet::rehearse(FramePainter &frames, Painter &style, const Painter &chosen, const ConstImage &in,
                        const FrameSettings &now, const std::atomic<bool> &cancel)
{
    const Rehearsal wanted{style.info().model, in.width, in.height, now.max_dimension};
    if (!painter_ || done_ == wanted)
        return;
    FrameSettings whole = now;
    whole.scale = 1;
    for (Painter *net : {&style, painter_.get()})
        if (net != &chosen || now.scale < 1)
            frames.rehearse(*net, in, whole, cancel);
    done_ = wanted;
}

} // namespace anime
