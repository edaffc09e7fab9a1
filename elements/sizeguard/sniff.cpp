// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/sizeguard/sniff.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace anime
{

namespace
{

using namespace std::string_view_literals;

struct Magic {
    std::string_view bytes; ///< '?' matches any byte
    std::size_t offset;
    const char *name;
};

// Only what people send by mistake or to attack; whatever is missing here is refused as well, without a name.
constexpr std::array KNOWN{
    Magic{"GIF8"sv, 0, "a GIF image"},
    Magic{"II*\0"sv, 0, "a TIFF image or a camera's raw file"},
    Magic{"MM\0*"sv, 0, "a TIFF image or a camera's raw file"},
    Magic{"II+\0"sv, 0, "a TIFF image (BigTIFF)"},
    Magic{"MM\0+"sv, 0, "a TIFF image (BigTIFF)"},
    Magic{"FUJIFILMCCD-RAW"sv, 0, "a camera's raw file (Fujifilm RAF)"},
    Magic{"IIU\0"sv, 0, "a camera's raw file (Panasonic RW2)"},
    Magic{"IIRO"sv, 0, "a camera's raw file (Olympus ORF)"},
    Magic{"IIRS"sv, 0, "a camera's raw file (Olympus ORF)"},
    Magic{"MMOR"sv, 0, "a camera's raw file (Olympus ORF)"},
    Magic{"II\x1a\0\0\0HEAP"sv, 0, "a camera's raw file (Canon CRW)"},
    Magic{"\0MRM"sv, 0, "a camera's raw file (Minolta MRW)"},
    Magic{"FOVb"sv, 0, "a camera's raw file (Sigma X3F)"},
    Magic{"II\xbc"sv, 0, "a JPEG XR image"},
    Magic{"gimp xcf"sv, 0, "a GIMP image"},
    Magic{"BM"sv, 0, "a BMP image"},
    Magic{"\xff\x0a"sv, 0, "a JPEG XL image"},
    Magic{"\0\0\0\x0cJXL "sv, 0, "a JPEG XL image"},
    Magic{"\0\0\0\x0cjP  "sv, 0, "a JPEG 2000 image"},
    Magic{"\xff\x4f\xff\x51"sv, 0, "a JPEG 2000 image"},
    Magic{"\0\0\x01\0"sv, 0, "an icon"},
    Magic{"\x76\x2f\x31\x01"sv, 0, "an OpenEXR image"},
    Magic{"8BPS"sv, 0, "a Photoshop document"},
    Magic{"%PDF"sv, 0, "a PDF document"},
    Magic{"%!PS"sv, 0, "a PostScript document"},
    Magic{"PK\x03\x04"sv, 0, "a ZIP archive or an office document"},
    Magic{"\x1f\x8b"sv, 0, "a gzip archive or a compressed SVG"},
    Magic{"RIFF????WAVE"sv, 0, "a WAV sound"},
    Magic{"RIFF????AVI "sv, 0, "an AVI video"},
    Magic{"\x1a\x45\xdf\xa3"sv, 0, "a Matroska or WebM video"},
    Magic{"OggS"sv, 0, "an Ogg file"},
    Magic{"ID3"sv, 0, "an MP3 sound"},
    Magic{"\x7f"
          "ELF"sv,
          0, "a program"},
    Magic{"MZ"sv, 0, "a program"},
};

bool matches(std::string_view head, const Magic &magic)
{
    if (head.size() < magic.offset + magic.bytes.size())
        return false;
    const std::string_view there = head.substr(magic.offset, magic.bytes.size());
    return std::equal(there.begin(), there.end(), magic.bytes.begin(),
                      [](char byte, char expected) { return expected == '?' || byte == expected; });
}

constexpr const char *CAMERA_REMEDY =
    "Export it as a JPEG with the camera's software or a photo editor, or set the camera to JPEG.";

/// An ISO base media file by its brands (ISO/IEC 14496-12, 4.3): the major one, and those it is compatible
/// with, as far as they have arrived. Photos of phones often have a general major brand (mif1).
Sniffed name_of_media(std::string_view head)
{
    constexpr std::array HEIC{"heic"sv, "heix"sv, "heim"sv, "heis"sv, "hevc"sv, "hevx"sv, "hevm"sv, "hevs"sv};
    constexpr std::array AVIF{"avif"sv, "avis"sv};
    constexpr std::array OTHER_HEIF{"mif1"sv, "mif2"sv, "mif3"sv, "msf1"sv, "miaf"sv};
    constexpr std::size_t COMPATIBLE = 16; // behind length, name, major brand and its version
    const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(head[at]); };
    const std::size_t length = std::size_t{byte(0)} << 24 | byte(1) << 16 | byte(2) << 8 | byte(3);
    const std::size_t end = std::min(head.size(), std::max(length, COMPATIBLE));
    const auto has_one_of = [&](const auto &brands) {
        const auto is_one = [&](std::size_t at) {
            return std::find(brands.begin(), brands.end(), head.substr(at, 4)) != brands.end();
        };
        bool found = is_one(8);
        for (std::size_t at = COMPATIBLE; at + 4 <= end; at += 4)
            found = found || is_one(at);
        return found;
    };
    // An AVIF may list HEIF's general brands, and so may a HEIC; nothing lists both of theirs.
    if (has_one_of(AVIF))
        return {.looks_like = "an AVIF image"};
    if (has_one_of(HEIC))
        return {.looks_like = "an HEIC image (HEIF), as iPhones and other phones take them",
                .remedy =
                    "On an iPhone choose Settings, Camera, Formats, Most Compatible for the next photos, and "
                    "share this one as a JPEG; on other phones switch HEIF or \"high efficiency\" off in the "
                    "camera's settings."};
    if (has_one_of(std::array{"crx "sv}))
        return {.looks_like = "a camera's raw file (Canon CR3)", .remedy = CAMERA_REMEDY};
    if (has_one_of(OTHER_HEIF))
        return {.looks_like = "an HEIF image"};
    return {.looks_like = "an MP4 or QuickTime video"};
}

bool starts_with_ignoring_case(std::string_view text, std::string_view lower)
{
    return text.size() >= lower.size() &&
           std::equal(lower.begin(), lower.end(), text.begin(),
                      [](char l, char t) { return l == (t >= 'A' && t <= 'Z' ? t + 32 : t); });
}

const char *name_of_text(std::string_view text)
{
    constexpr std::size_t LOOK_FOR_SVG_IN = 1024; // past the XML declaration, a comment and a doctype
    if (text.starts_with("\xef\xbb\xbf"))         // byte order mark
        text.remove_prefix(3);
    text.remove_prefix(std::min(text.find_first_not_of(" \t\r\n"), text.size()));

    if (starts_with_ignoring_case(text, "<svg") ||
        (text.starts_with("<") && text.substr(0, LOOK_FOR_SVG_IN).find("<svg") != text.npos))
        return "an SVG drawing";
    if (starts_with_ignoring_case(text, "<!doctype h") || starts_with_ignoring_case(text, "<html"))
        return "an HTML page";
    if (text.starts_with("<?xml"))
        return "an XML document";
    const bool printable = std::all_of(text.begin(), text.end(), [](char c) {
        const auto u = static_cast<unsigned char>(c);
        return u >= 0x20 || c == '\t' || c == '\r' || c == '\n';
    });
    return printable ? "text" : "an unknown kind of file";
}

/// Whether `head` is `magic`, or as much of it as there is; '?' matches any byte.
bool may_become(std::string_view head, std::string_view magic)
{
    const std::size_t size = std::min(head.size(), magic.size());
    return matches(head, {magic.substr(0, size), 0, ""});
}

} // namespace

std::string format_names(unsigned formats)
{
    std::string names;
    const auto add = [&](unsigned format, const char *name) {
        if (formats & format)
            names += (names.empty() ? "" : ", ") + std::string(name);
    };
    add(IMAGE_JPEG, "JPEG");
    add(IMAGE_PNG, "PNG");
    add(IMAGE_WEBP, "WebP");
    return names;
}

Sniffed sniff(std::span<const std::uint8_t> head)
{
    const std::string_view bytes(reinterpret_cast<const char *>(head.data()), head.size());
    struct Candidate {
        std::string_view magic;
        ImageFormat format;
    };
    constexpr std::array CANDIDATES{
        Candidate{"\xff\xd8\xff"sv, IMAGE_JPEG},
        Candidate{"\x89PNG\r\n\x1a\n"sv, IMAGE_PNG},
        Candidate{"RIFF????WEBP"sv, IMAGE_WEBP},
    };
    for (const Candidate &candidate : CANDIDATES) {
        if (!may_become(bytes, candidate.magic))
            continue;
        if (bytes.size() < candidate.magic.size())
            return {.undecided = true};
        return {.format = candidate.format};
    }
    if (bytes.size() >= 12 && bytes.substr(4, 4) == "ftyp")
        return name_of_media(bytes);
    for (const Magic &magic : KNOWN)
        if (matches(bytes, magic)) {
            const bool raw = std::string_view(magic.name).find("raw file") != std::string_view::npos;
            return {.looks_like = magic.name, .remedy = raw ? CAMERA_REMEDY : ""};
        }
    return {.looks_like = name_of_text(bytes)};
}

} // namespace anime
