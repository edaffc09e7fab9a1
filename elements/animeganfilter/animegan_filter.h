// SPDX-License-Identifier: LGPL-2.1-or-later
// What animeganfilter does between GObject (gstanimeganfilter.cpp) and one frame's pixels (frame_painter.h):
// has frames painted one after the other or several at once, holds a rate, reports.
#pragma once

#include "elements/animeganfilter/animeganfilter_properties.h"
#include "elements/animeganfilter/frame_painter.h"
#include "elements/animeganfilter/gstanimeganfilter.h"
#include "elements/animeganfilter/quick_net.h"
#include "elements/animeganfilter/rate_keeper.h"
#include "elements/animeganfilter/work_line.h"
#include "elements/common/gst_raii.h"
#include "elements/common/guarded_settings.h"
#include "elements/overlay/patch.h"
#include "elements/painting/painting_filter.h"

#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace anime
{

/// A frame between its arrival and its departure.
struct FrameInFlight {
    FrameInFlight(const GstVideoInfo &info, BufferPtr photo_buffer, BufferPtr painting_buffer);

    BufferPtr in;
    BufferPtr out;
    MappedFrame photo;
    MappedFrame painting;
    AnimeganFilterSettings now; ///< when it came
    Painter *painter = nullptr; ///< null where nothing of the painting is seen
    NetFrame net;
    std::vector<Patch> faces;
    std::uint64_t arrived = 0;
};

class AnimeganFilter final : public PaintingFilter
{
public:
    AnimeganFilter(GstElement *element, GstDebugCategory *category);

    bool set(guint id, const GValue *value) override { return settings_.set(id, value); }
    bool get(guint id, GValue *value) override
    {
        return settings_.get(id, value, [this] { return stats(); });
    }
    void start() override;
    void forget() override;
    void stop() override;
    /// Any thread may call it.
    bool answer(GstQuery *query);
    void set_clock(FrameClock clock) { clock_ = std::move(clock); }

    /// New caps, before their first frame. Throws what open_painter() throws.
    void begin_stream(const GstVideoInfo &info);
    /// Of the buffers that paintings are written into there are `most` (0: no limit), of which others need
    /// `others`.
    void bound_buffers(guint others, guint most);

    /// What the next frame is to be painted with. Where this is not what those in flight are painted with,
    /// they have to be taken out before.
    AnimeganFilterSettings settings() const { return settings_.copy(); }
    bool goes_on(const AnimeganFilterSettings &now) const;
    /// Takes a frame in.
    GstFlowReturn accept(const AnimeganFilterSettings &now, const GstVideoInfo &info, BufferPtr in,
                         BufferPtr out);
    /// Whether a frame has to be taken out before the next one comes.
    bool is_full() const { return line_.size() > most_waiting_; }
    bool is_empty() const { return line_.empty(); }
    /// Takes the oldest frame out, once it is painted.
    GstFlowReturn take(const GstSegment &segment, BufferPtr &out);
    /// Whether the frame before was dropped because it came too late.
    bool has_dropped() const { return has_dropped_; }
    void set_dropped(bool dropped) { has_dropped_ = dropped; }
    /// Drops what is in flight.
    void drop() { line_.clear(); }

private:
    GstStructure *stats();
    void open(const AnimeganFilterSettings &now, bool live);
    void follow_style(const AnimeganFilterSettings &now);
    Painter &chosen() { return rate_.quick() ? *quick_.painter() : painter(); }
    void finish(FrameInFlight &frame);
    void prepare_for_live();
    void remember(const FrameStats &frame, const PainterInfo &info);
    void add_fields(GstStructure *structure);
    void add_totals(GstStructure *structure);
    void report(const GstSegment &segment, const FrameInFlight &frame, std::uint64_t begin);
    void keep_rate(const GstSegment &segment, const FrameInFlight &frame, GstClockTime took);

    GstDebugCategory *category_;

    // Of the streaming thread.
    FrameClock clock_ = [] { return gst_util_get_timestamp(); };
    FramePainter frames_;
    RateKeeper rate_;
    QuickNet quick_;
    unsigned most_waiting_ = 0; ///< frames that are in flight while the next one is awaited
    bool has_dropped_ = false;
    std::vector<NetFrame> spare_;
    std::atomic<unsigned> pictures_ = 1; ///< what the painter was asked for; for answer()

    GuardedSettings<AnimeganFilterSettings> settings_{animeganfilter_properties()};

    /// Protects what `stats` shows: of the last frame, and the sums of all.
    std::mutex last_lock_;
    PainterInfo last_info_;
    FrameStats last_frame_;
    double last_quality_ = 1;
    PaintStats totals_; ///< without the memory

    /// The last member: its threads use the others.
    WorkLine<FrameInFlight> line_;
};

} // namespace anime
