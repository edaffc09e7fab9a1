// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/sizeguard/icc_profile.h"

#include "elements/sizeguard/scanner.h"

#include <algorithm>
#include <memory>
#include <string_view>

#include <lcms2.h>
#include <zlib.h>

namespace anime
{

std::vector<std::uint8_t> inflate_profile(std::span<const std::uint8_t> chunk)
{
    const auto name_end = std::find(chunk.begin(), chunk.end(), std::uint8_t{0});
    const std::size_t start = static_cast<std::size_t>(name_end - chunk.begin()) + 2;
    z_stream stream{};
    if (start >= chunk.size() || inflateInit(&stream) != Z_OK)
        return {};
    const std::unique_ptr<z_stream, decltype(&inflateEnd)> end(&stream, inflateEnd);
    stream.next_in = const_cast<Bytef *>(chunk.data() + start);
    stream.avail_in = static_cast<uInt>(chunk.size() - start);
    std::vector<std::uint8_t> profile;
    int result = Z_OK;
    while (result == Z_OK && profile.size() <= MAX_ICC_PROFILE) {
        constexpr std::size_t STEP = 16384;
        profile.resize(profile.size() + STEP);
        stream.next_out = profile.data() + profile.size() - STEP;
        stream.avail_out = STEP;
        result = inflate(&stream, Z_NO_FLUSH);
        profile.resize(profile.size() - stream.avail_out);
    }
    return result == Z_STREAM_END && profile.size() <= MAX_ICC_PROFILE ? profile
                                                                       : std::vector<std::uint8_t>{};
}

bool has_element_lists(std::span<const std::uint8_t> profile)
{
    constexpr std::size_t HEADER_SIZE = 128;
    constexpr std::size_t ENTRY_SIZE = 12;
    if (profile.size() < HEADER_SIZE + 4)
        return false;
    const std::size_t room = (profile.size() - HEADER_SIZE - 4) / ENTRY_SIZE;
    const std::size_t tags = std::min<std::size_t>(big_endian_32(profile, HEADER_SIZE), room);
    for (std::size_t i = 0; i < tags; ++i) {
        const std::size_t at = HEADER_SIZE + 4 + i * ENTRY_SIZE;
        const std::string_view name(reinterpret_cast<const char *>(profile.data()) + at, 4);
        if (name.starts_with("D2B") || name.starts_with("B2D"))
            return true;
    }
    return false;
}

ProfileUse use_of_profile(std::span<const std::uint8_t> bytes, unsigned channels)
{
    if (has_element_lists(bytes))
        return {.fault = "icc-element-lists"};
    const std::unique_ptr<void, decltype(&cmsCloseProfile)> profile(
        cmsOpenProfileFromMem(bytes.data(), static_cast<cmsUInt32Number>(bytes.size())), cmsCloseProfile);
    if (!profile)
        return {.fault = "icc-broken"};
    const cmsColorSpaceSignature space = cmsGetColorSpace(profile.get());
    const unsigned wanted = space == cmsSigGrayData   ? 1
                            : space == cmsSigRgbData  ? 3
                            : space == cmsSigCmykData ? 4
                                                      : 0;
    if (wanted != channels && !(wanted == 3 && channels == 1))
        return {.fault = "icc-colours"};
    const auto has = [&](cmsUInt32Number intent) {
        return cmsIsIntentSupported(profile.get(), intent, LCMS_USED_AS_INPUT);
    };
    const bool relative = has(INTENT_RELATIVE_COLORIMETRIC);
    if (!relative && !has(INTENT_PERCEPTUAL))
        return {.fault = "icc-tables"};
    return {.fault = nullptr, .perceptual = !relative, .channels = wanted};
}

} // namespace anime
