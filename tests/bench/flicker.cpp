// SPDX-License-Identifier: LGPL-2.1-or-later
// anime-bench-flicker [--frames N] [--filters DESCRIPTION] CLIP…: how much painted video flickers where the
// film itself stays. A pixel is still where the mean change of the film since the last frame, over the 7×7
// pixels around it, is below 4 levels. Prints, for each clip, the mean change of the still pixels of what
// DESCRIPTION made, divided by the film's own there: for the whole picture, and inside the faces that
// facepaint marked. Below 1, the painting is steadier than the film.
#include "elements/common/gst_raii.h"

#include <gst/app/gstappsink.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <mutex>
#include <string>
#include <vector>

namespace
{

using namespace anime;

constexpr int radius = 3;
constexpr double still = 4;
constexpr const char *default_filters = "facepaint name=first mode=overlay detection-interval=5 qos=false ! "
                                        "animeganfilter temporal-smoothing=0.5 qos=false";

struct Frame {
    int width = 0;
    int height = 0;
    std::vector<guint8> rgb;
};

struct Box {
    int left, top, right, bottom;
};

struct Sums {
    double film = 0;
    double painting = 0;
    double pixels = 0;

    double ratio() const { return film > 0 ? painting / film : 0; }
};

Frame copy(const GstVideoInfo &info, GstBuffer *buffer)
{
    const MappedFrame mapped(info, buffer, GST_MAP_READ);
    if (!mapped)
        return {};
    Frame frame{mapped.width(), mapped.height(), {}};
    const auto bytes = static_cast<std::size_t>(frame.width) * 3;
    frame.rgb.resize(bytes * static_cast<std::size_t>(frame.height));
    for (int y = 0; y < frame.height; ++y)
        std::memcpy(frame.rgb.data() + bytes * static_cast<std::size_t>(y),
                    mapped.data() + std::ptrdiff_t{y} * mapped.stride(), bytes);
    return frame;
}

/// Mean of the three channels' changes, by pixel.
std::vector<float> change(const Frame &a, const Frame &b)
{
    std::vector<float> out(a.rgb.size() / 3);
    for (std::size_t i = 0; i < out.size(); ++i)
        for (std::size_t c = 0; c < 3; ++c)
            out[i] += static_cast<float>(std::abs(a.rgb[3 * i + c] - b.rgb[3 * i + c])) / 3;
    return out;
}

/// Means over the squares around each pixel, as far as they lie in the picture, from sums over all before.
std::vector<float> means(const std::vector<float> &values, int width, int height)
{
    std::vector<double> sums(static_cast<std::size_t>(width + 1) * static_cast<std::size_t>(height + 1));
    const auto at = [width](int x, int y) {
        return static_cast<std::size_t>(y) * static_cast<std::size_t>(width + 1) +
               static_cast<std::size_t>(x);
    };
    std::size_t i = 0;
    for (int y = 0; y < height; ++y)
        for (int x = 0; x < width; ++x)
            sums[at(x + 1, y + 1)] = values[i++] + sums[at(x, y + 1)] + sums[at(x + 1, y)] - sums[at(x, y)];
    std::vector<float> out(values.size());
    i = 0;
    for (int y = 0; y < height; ++y) {
        for (int x = 0; x < width; ++x) {
            const int left = std::max(0, x - radius);
            const int top = std::max(0, y - radius);
            const int right = std::min(width, x + radius + 1);
            const int bottom = std::min(height, y + radius + 1);
            const double sum =
                sums[at(right, bottom)] - sums[at(left, bottom)] - sums[at(right, top)] + sums[at(left, top)];
            out[i++] = static_cast<float>(sum / ((right - left) * (bottom - top)));
        }
    }
    return out;
}

std::vector<Box> faces_of(GstBuffer *buffer)
{
    std::vector<Box> boxes;
    gpointer state = nullptr;
    while (GstMeta *meta =
               gst_buffer_iterate_meta_filtered(buffer, &state, GST_VIDEO_REGION_OF_INTEREST_META_API_TYPE)) {
        const auto *region = reinterpret_cast<GstVideoRegionOfInterestMeta *>(meta);
        const auto left = static_cast<int>(region->x);
        const auto top = static_cast<int>(region->y);
        boxes.push_back({left, top, left + static_cast<int>(region->w), top + static_cast<int>(region->h)});
    }
    return boxes;
}

class Clip
{
public:
    Clip(const std::string &path, const std::string &filters)
    {
        const std::string line =
            "filesrc name=source ! decodebin ! videoconvert ! video/x-raw,format=RGB ! identity "
            "name=film ! " +
            filters + " ! appsink name=sink sync=false max-buffers=2";
        GError *raw = nullptr;
        pipeline_.reset(gst_parse_launch(line.c_str(), &raw));
        const ErrorPtr error(raw);
        if (error)
            throw std::string(error->message);
        const ElementPtr source(gst_bin_get_by_name(GST_BIN(pipeline_.get()), "source"));
        g_object_set(source.get(), "location", path.c_str(), nullptr);
        sink_.reset(gst_bin_get_by_name(GST_BIN(pipeline_.get()), "sink"));
        const ElementPtr film(gst_bin_get_by_name(GST_BIN(pipeline_.get()), "film"));
        const PadPtr pad(gst_element_get_static_pad(film.get(), "src"));
        gst_pad_add_probe(pad.get(), GST_PAD_PROBE_TYPE_BUFFER, seen, this, nullptr);
    }
    ~Clip() { gst_element_set_state(pipeline_.get(), GST_STATE_NULL); }
    Clip(const Clip &) = delete;
    Clip &operator=(const Clip &) = delete;

    /// The frames that were compared.
    int run(int most)
    {
        gst_element_set_state(pipeline_.get(), GST_STATE_PLAYING);
        int frames = 0;
        Frame last_film;
        Frame last;
        while (frames < most) {
            const SamplePtr sample(gst_app_sink_try_pull_sample(GST_APP_SINK(sink_.get()), 60 * GST_SECOND));
            if (!sample)
                break;
            GstVideoInfo info;
            gst_video_info_from_caps(&info, gst_sample_get_caps(sample.get()));
            GstBuffer *buffer = gst_sample_get_buffer(sample.get());
            Frame now = copy(info, buffer);
            Frame film = take_film();
            if (last.rgb.size() == now.rgb.size() && film.rgb.size() == now.rgb.size()) {
                compare(last_film, film, last, now, faces_of(buffer));
                ++frames;
            }
            last = std::move(now);
            last_film = std::move(film);
        }
        const ElementPtr &pipeline = pipeline_;
        const std::unique_ptr<GstBus, Release<gst_object_unref>> bus(gst_element_get_bus(pipeline.get()));
        const MessagePtr failed(gst_bus_pop_filtered(bus.get(), GST_MESSAGE_ERROR));
        if (failed) {
            GError *raw = nullptr;
            gst_message_parse_error(failed.get(), &raw, nullptr);
            const ErrorPtr error(raw);
            throw std::string(error->message);
        }
        return frames;
    }

    Sums all;
    Sums faces;

private:
    static GstPadProbeReturn seen(GstPad *pad, GstPadProbeInfo *probe, gpointer self)
    {
        const CapsPtr caps(gst_pad_get_current_caps(pad));
        GstVideoInfo info;
        gst_video_info_from_caps(&info, caps.get());
        auto *clip = static_cast<Clip *>(self);
        Frame frame = copy(info, GST_PAD_PROBE_INFO_BUFFER(probe));
        const std::lock_guard guard(clip->lock_);
        clip->film_.push_back(std::move(frame));
        return GST_PAD_PROBE_OK;
    }
    Frame take_film()
    {
        const std::lock_guard guard(lock_);
        Frame frame = std::move(film_.front());
        film_.pop_front();
        return frame;
    }
    void compare(const Frame &film_before, const Frame &film, const Frame &before, const Frame &now,
                 const std::vector<Box> &boxes)
    {
        const std::vector<float> of_film = change(film_before, film);
        const std::vector<float> of_painting = change(before, now);
        const std::vector<float> around = means(of_film, film.width, film.height);
        std::size_t i = 0;
        for (int y = 0; y < film.height; ++y) {
            for (int x = 0; x < film.width; ++x, ++i) {
                if (around[i] >= still)
                    continue;
                add(all, of_film[i], of_painting[i]);
                if (std::any_of(boxes.begin(), boxes.end(), [&](const Box &box) {
                        return x >= box.left && x < box.right && y >= box.top && y < box.bottom;
                    }))
                    add(faces, of_film[i], of_painting[i]);
            }
        }
    }
    static void add(Sums &sums, float film, float painting)
    {
        sums.film += film;
        sums.painting += painting;
        ++sums.pixels;
    }

    ElementPtr pipeline_;
    ElementPtr sink_;
    std::mutex lock_; ///< protects film_, which the streaming thread fills
    std::deque<Frame> film_;
};

} // namespace

int main(int count, char **arguments)
{
    gst_init(&count, &arguments);
    int most = 100;
    std::string filters = default_filters;
    std::vector<std::string> clips;
    for (int i = 1; i < count; ++i) {
        const std::string argument = arguments[i];
        if (argument == "--frames" && i + 1 < count)
            most = std::atoi(arguments[++i]);
        else if (argument == "--filters" && i + 1 < count)
            filters = arguments[++i];
        else
            clips.push_back(argument);
    }
    if (clips.empty() || most < 1) {
        std::fprintf(stderr, "usage: anime-bench-flicker [--frames N] [--filters DESCRIPTION] CLIP…\n");
        return 2;
    }
    std::printf(
        "| clip | frames | picture | faces | still pixels in faces, a frame |\n|---|---|---|---|---|\n");
    int failed = 0;
    for (const std::string &path : clips) {
        try {
            Clip clip(path, filters);
            const int frames = clip.run(most);
            std::printf("| %s | %d | %.2f | %.2f | %.0f |\n", path.c_str(), frames, clip.all.ratio(),
                        clip.faces.ratio(), clip.faces.pixels / std::max(frames, 1));
        } catch (const std::string &why) {
            std::fprintf(stderr, "%s: %s\n", path.c_str(), why.c_str());
            failed = 1;
        }
        std::fflush(stdout);
    }
    return failed;
}
