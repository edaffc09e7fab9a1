// SPDX-License-Identifier: LGPL-2.1-or-later
// Carries faces from one detection to the next, so that they neither jump nor flicker.
#pragma once

#include "elements/facepaint/face.h"

#include <vector>

namespace anime
{

/// The detector's boxes lie on a grid, a tenth of a face wide, and in steps of size of a sixth. A box is
/// therefore estimated from all detections, by a low-pass filter that opens as the face moves (as the
/// one-euro filter of G. Casiez, N. Roussel and D. Vogel, 2012, does), and stays exactly where it is until
/// the estimate has left it by more than such a step: the face of somebody who sits still is painted from the
/// same pixels in each frame. A face that detections miss stays for as many as found it, four at most. New
/// ones and lost ones fade in and out.
class FaceTracker
{
public:
    /// What a detection found.
    void detected(const std::vector<Face> &faces);

    /// The faces of the next frame. Those that are larger than `largest`, longer side in pixels, are not to
    /// be shown; one that is shown stays until it is a sixth larger.
    std::vector<Face> next(double largest);

    /// Those that the next detection should find again, where they are shown.
    std::vector<Face> known() const;

    void clear();

private:
    struct Track {
        Face shown;
        // The estimate.
        double x = 0; ///< of the centre
        double y = 0;
        double width = 0;
        double height = 0;
        bool gliding = false; ///< from `shown` to the estimate
        bool wanted = false;
        int found = 1;
        int missed = 0;
    };
    static void update(Track &track, const Face &face);
    static void glide(Track &track);

    std::vector<Track> tracks_;
    bool started_ = false; ///< a frame was shown: what comes now fades in
};

} // namespace anime
