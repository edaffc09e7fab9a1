// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/sizeguard/jpeg_reader.h"

#include <algorithm>
#include <csetjmp>
#include <cstdio>
#include <exception>
#include <vector>

#include <jpeglib.h>

#include <jerror.h>

#include <vips/vips.h>
#undef error_exit // libvips 8.16 still names a function of its past so, by a macro

namespace anime
{

namespace
{

/// libjpeg-turbo's output is 8 lines an iMCU row or a multiple of it.
constexpr int STRIP_HEIGHT = 8;

/// Warnings after which the pixels may be wrong. The others concern padding, versions and declared but unused
/// parameters; every viewer shows such photos, and so do we. JWRN_JPEG_EOF is not one: libjpeg reads ahead,
/// and says JWRN_HIT_MARKER when it needs what isn't there.
bool means_damage(int warning)
{
    switch (warning) {
    case JWRN_HIT_MARKER:
    case JWRN_HUFF_BAD_CODE:
    case JWRN_ARITH_BAD_CODE:
    case JWRN_MUST_RESYNC:
    case JWRN_BOGUS_PROGRESSION:
        return true;
    default:
        return false;
    }
}

} // namespace

struct JpegReader::State {
    State(Bytes b, Ending e, const Cancellation &c) : bytes(b), ending(e), cancellation(c) {}

    jpeg_decompress_struct jpeg{};
    jpeg_error_mgr errors{};
    jpeg_progress_mgr progress{};
    std::jmp_buf jump;
    char text[JMSG_LENGTH_MAX] = "";

    const Bytes bytes;
    const Ending ending;
    const Cancellation &cancellation;
    bool at_end = false; ///< libjpeg has read all of the bytes
    bool created = false;
    bool started = false;
    /// CMYK is stored with 255 for no ink, as Adobe does it, also where Adobe's marker is missing: no encoder
    /// writes it otherwise, and browsers don't ask either.
    bool inverted = false;
    std::optional<Failure> failure;

    /// Runs `step`, which may leave by longjmp from inside libjpeg: it owns nothing. False: see failure.
    template <typename Step>
    bool attempt(Step step)
    {
        if (setjmp(jump)) {
            if (!cancellation.cancelled())
                failure = make_failure();
            return false;
        }
        step();
        return true;
    }

    Failure make_failure() const
    {
        const int code = errors.msg_code;
        if (code == JERR_OUT_OF_MEMORY)
            return {.code = "out-of-memory",
                    .message = "There is not enough memory to decode the JPEG image.",
                    .remedy = "Try again later, or send a smaller image.",
                    .debug = text};
        const bool data_missing = code == JWRN_HIT_MARKER || code == JWRN_MUST_RESYNC;
        if (ending == Ending::end_of_file && at_end && data_missing)
            return truncated_image("JPEG", bytes.size(), text);
        return corrupt_image("JPEG", text);
    }

    static State *of(j_common_ptr jpeg) { return static_cast<State *>(jpeg->client_data); }

    static void on_error(j_common_ptr jpeg)
    {
        State *self = of(jpeg);
        jpeg->err->format_message(jpeg, self->text);
        std::longjmp(self->jump, 1);
    }
    static void on_message(j_common_ptr jpeg, int level)
    {
        if (level >= 0)
            return;
        if (jpeg->err->msg_code == JWRN_JPEG_EOF)
            of(jpeg)->at_end = true;
        if (means_damage(jpeg->err->msg_code))
            on_error(jpeg);
    }
    static void on_progress(j_common_ptr jpeg)
    {
        if (of(jpeg)->cancellation.cancelled())
            on_error(jpeg);
    }

    void create()
    {
        jpeg.err = jpeg_std_error(&errors);
        jpeg.client_data = this;
        errors.error_exit = on_error;
        errors.emit_message = on_message;
        progress.progress_monitor = on_progress;
        attempt([this] {
            jpeg_create_decompress(&jpeg);
            created = true;
            jpeg.progress = &progress;
            jpeg_mem_src(&jpeg, bytes.data(), bytes.size());
        });
    }

    bool read_header(unsigned shrink)
    {
        return attempt([&] {
            jpeg_read_header(&jpeg, TRUE);
            jpeg.scale_num = 1;
            jpeg.scale_denom = shrink;
            jpeg_calc_output_dimensions(&jpeg);
        });
    }

    /// Whether a progressive image has all bits of all its coefficients. If it ends as it should, its encoder
    /// may have left some out; if not, they were in scans that are missing.
    bool has_all_bits() const
    {
        if (!jpeg.progressive_mode)
            return true;
        for (int c = 0; c < jpeg.num_components; ++c)
            if (!std::all_of(jpeg.coef_bits[c], jpeg.coef_bits[c] + DCTSIZE2,
                             [](int low) { return low == 0; }))
                return false;
        return true;
    }

    void start()
    {
        started = true;
        jpeg_start_decompress(&jpeg); // reads all scans if there are several
        if (ending != Ending::marker && !has_all_bits())
            WARNMS(&jpeg, JWRN_HIT_MARKER);
    }

    /// Decodes the lines of `region`: whole lines, in order, because a vips_sequential() asks for them.
    bool read_lines(VipsRegion *region)
    {
        return attempt([&] {
            if (!started)
                start();
            const VipsRect &area = region->valid;
            const int bytes_per_line = area.width * region->im->Bands;
            for (int y = area.top; y < area.top + area.height; ++y) {
                JSAMPROW row = VIPS_REGION_ADDR(region, 0, y);
                jpeg_read_scanlines(&jpeg, &row, 1);
                if (inverted)
                    for (int x = 0; x < bytes_per_line; ++x)
                        row[x] = 255 - row[x];
            }
            if (cancellation.cancelled())
                on_error(reinterpret_cast<j_common_ptr>(&jpeg));
        });
    }
};

namespace
{

struct Unref {
    void operator()(VipsImage *image) const { g_object_unref(image); }
};
using ImageRef = std::unique_ptr<VipsImage, Unref>;

} // namespace

JpegReader::JpegReader(Bytes bytes, Ending ending, const Cancellation &cancellation)
    : state_(std::make_unique<State>(bytes, ending, cancellation))
{
    state_->create();
}

JpegReader::~JpegReader()
{
    if (state_->created)
        jpeg_destroy_decompress(&state_->jpeg);
}

const std::optional<Failure> &JpegReader::failure() const
{
    return state_->failure;
}

_VipsImage *JpegReader::open(unsigned shrink)
{
    State &s = *state_;
    if (s.failure || !s.read_header(shrink))
        return nullptr;

    VipsInterpretation interpretation = VIPS_INTERPRETATION_sRGB;
    if (s.jpeg.out_color_space == JCS_GRAYSCALE) {
        interpretation = VIPS_INTERPRETATION_B_W;
    } else if (s.jpeg.out_color_space == JCS_CMYK) {
        interpretation = VIPS_INTERPRETATION_CMYK;
        s.inverted = true;
    }

    const ImageRef lines(vips_image_new());
    vips_image_init_fields(lines.get(), static_cast<int>(s.jpeg.output_width),
                           static_cast<int>(s.jpeg.output_height), s.jpeg.output_components,
                           VIPS_FORMAT_UCHAR, VIPS_CODING_NONE, interpretation, 1.0, 1.0);

    const auto generate = [](VipsRegion *region, void *, void *state, void *, gboolean *) -> int {
        try {
            return static_cast<State *>(state)->read_lines(region) ? 0 : -1;
        } catch (const std::exception &) { // no memory even to say what is wrong; below is C
            return -1;
        }
    };
    VipsImage *sequential = nullptr;
    if (vips_image_pipelinev(lines.get(), VIPS_DEMAND_STYLE_FATSTRIP, nullptr) ||
        vips_image_generate(lines.get(), nullptr, generate, nullptr, &s, nullptr) ||
        vips_sequential(lines.get(), &sequential, "tile_height", STRIP_HEIGHT, nullptr))
        return nullptr;

    // libjpeg rounds the reduced size up and fills a fraction of a pixel at the right and at the bottom.
    const ImageRef whole(sequential);
    VipsImage *cropped = nullptr;
    if (vips_extract_area(whole.get(), &cropped, 0, 0, static_cast<int>(s.jpeg.image_width / shrink),
                          static_cast<int>(s.jpeg.image_height / shrink), nullptr))
        return nullptr;
    return cropped;
}

bool JpegReader::finish()
{
    State &s = *state_;
    if (s.failure || !s.started)
        return false;
    std::vector<JSAMPLE> line(std::size_t{s.jpeg.output_width} * s.jpeg.output_components);
    return s.attempt([&s, row = line.data()]() mutable {
        while (s.jpeg.output_scanline < s.jpeg.output_height)
            jpeg_read_scanlines(&s.jpeg, &row, 1);
    });
}

} // namespace anime
