// SPDX-License-Identifier: LGPL-2.1-or-later
// Raw video through sizeguard: judged by its caps, scaled down where it is too large, else untouched.
#pragma once

#include "elements/common/gst_raii.h"
#include "elements/sizeguard/image_guard.h"
#include "elements/sizeguard/raw_scaler.h"

#include <memory>
#include <optional>

namespace anime
{

/// Of the streaming thread.
class RawPath
{
public:
    /// Frames of `caps` come, and `limits` apply to them.
    std::optional<Failure> configure(GstCaps *caps, const Limits &limits);
    void reset();

    /// Whether configure() would come to another result with these limits.
    bool depends_on(const Limits &limits) const;
    bool scales() const { return scaler_ != nullptr; }
    /// After configure().
    GstCaps *in_caps() const { return in_caps_.get(); }
    GstCaps *out_caps() const { return scaler_ ? scaler_->out_caps() : in_caps_.get(); }

    /// Scales `frame` if it has to be.
    std::optional<Failure> bound(BufferPtr &frame) const;

    /// Frames that are not touched are those of whoever comes next, who knows what they may be; a scaler
    /// reads any layout.
    bool answer_allocation(GstPad *src, GstQuery *query) const;

    ImageInfo info() const; ///< by the caps

private:
    Limits limits_;
    CapsPtr in_caps_;
    GstVideoInfo info_ = {};
    std::unique_ptr<RawScaler> scaler_; ///< null: frames are within bounds
};

} // namespace anime
