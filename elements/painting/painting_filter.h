// SPDX-License-Identifier: LGPL-2.1-or-later
// What facepaint and animeganfilter have in common beside GObject (gstanimepainting.h): opens the model and
// follows its changes, refuses frames, counts what was dropped.
#pragma once

#include "elements/common/cancellation.h"
#include "elements/common/frame_gaps.h"
#include "elements/common/report.h"
#include "elements/painting/paint_properties.h"

#include <gst/gst.h>
#include <gst/video/video.h>

#include <atomic>
#include <memory>
#include <string>

namespace anime
{

/// What a frame without a duration lasts, by the caps; 0 where they don't say.
GstClockTime frame_period(const GstVideoInfo &info);

/// Everything of such an element that has a destructor. Its methods run on the streaming thread, or while
/// there is none, except for set() and get(), which any thread may call.
class PaintingFilter
{
public:
    /// `category` is the element's own, for what this class logs.
    PaintingFilter(GstElement *element, GstDebugCategory *category) : element_(element), category_(category)
    {
    }
    virtual ~PaintingFilter() = default;
    PaintingFilter(const PaintingFilter &) = delete;
    PaintingFilter &operator=(const PaintingFilter &) = delete;

    /// The properties; false for an id that is none.
    virtual bool set(guint id, const GValue *value) = 0;
    virtual bool get(guint id, GValue *value) = 0;

    /// Throws Error where something is missing; stop() follows then too.
    virtual void start() = 0;
    virtual void stop() { forget(); }
    /// What the derived class does when the next frame has nothing to do with the last one.
    virtual void forget() = 0;

    void set_painter_opener(PainterOpener opener) { open_ = std::move(opener); }
    /// Lets go of the painter before, so that two models are never in memory for one stream. Throws what
    /// open_painter() throws; there is no painter then.
    void open_model(const PaintSettings &wanted);
    /// Opens this model, with the settings of the last one, unless it is open.
    void follow_model(const std::string &name);
    /// Whether this model is open.
    bool follows(const std::string &name) const { return painter_ && name == opened_.model; }
    /// Opens another model beside the one that is open, with the same settings. Throws what open_painter()
    /// throws.
    std::shared_ptr<Painter> open_beside(const std::string &name) const;
    void close_model() { painter_.reset(); }
    Painter &painter() { return *painter_; }

    /// Reports a frame that can't be painted; the element returns what this returns.
    GstFlowReturn refuse_frame(const Failure &failure);
    /// The same for the exception that is being handled, which may be that the frame was given up.
    GstFlowReturn refuse_frame();
    /// The same for a buffer that could not be mapped: it is too small for its caps, or locked.
    GstFlowReturn refuse_buffer(GstBuffer *buffer, const GstVideoInfo &info, std::string message,
                                std::string remedy);
    /// A frame has come: counts those that were dropped on the way for this element's sake. `period` is what
    /// a frame without a duration lasts, by the caps.
    void frame_arrived(GstBuffer *buffer, GstClockTime period);
    /// What the sink said of the last frame. Any thread may call it.
    void heard_of_lateness(GstClockTimeDiff lateness) { late_ = lateness > 0; }
    /// The base class dropped a frame that came too late.
    void dropped_frame(GstClockTime pts);
    void log_caps(const GstCaps *caps);
    /// The next frame has nothing to do with the last one.
    void start_over();
    /// How many frames are painted at once; 1 unless it is said.
    void set_at_once(unsigned frames) { at_once_ = frames; }
    unsigned at_once() const { return at_once_; }

    Cancellation cancel;
    FrameReporter reporter;

protected:
    GstElement *element() const { return element_; }

private:
    GstElement *element_;
    GstDebugCategory *category_;
    PainterOpener open_ = open_painter;
    std::shared_ptr<Painter> painter_;
    FrameGaps gaps_;
    std::atomic<bool> late_ = false;
    unsigned at_once_ = 1;
    PaintSettings opened_; ///< what the last painter was opened with
};

} // namespace anime
