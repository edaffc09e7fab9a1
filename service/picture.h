// SPDX-License-Identifier: LGPL-2.1-or-later
// What a client may ask for, and the picture that it gets.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace anime::service
{

using Bytes = std::vector<std::uint8_t>;

/// Typed options of one upload; everything in it was checked against an allow-list.
struct PaintOptions {
    std::string pipeline = "web";
    std::string style = "default";
    std::string format = "jpeg"; ///< jpeg, png, webp, avif
    int quality = 0;             ///< of the encoder, 1 to 100; 0: its own
    int max_dimension = 0;       ///< of the picture's longest side; 0: the description's own
    double strength = 1;
    bool faces = true;

    bool operator==(const PaintOptions &) const = default;
};

struct Size {
    int width = 0;
    int height = 0;
};

/// Milliseconds that each stage took.
struct Timings {
    double receive = 0;
    double queue = 0;
    double decode = 0;
    double faces = 0;
    double wait = 0; ///< for a slot of the executor
    double paint = 0;
    double encode = 0;
    double total = 0;
};

/// In the unit of Timings.
inline double milliseconds(std::chrono::steady_clock::duration time)
{
    return std::chrono::duration<double, std::milli>(time).count();
}

struct PictureInfo {
    std::string media_type; ///< image/jpeg
    std::string source_format;
    Size source;
    Size processed;
    int faces = 0;
    std::string model;
    std::string digest;
    Timings timings;
    std::uint64_t bytes = 0;
};

struct Picture {
    PictureInfo info;
    std::shared_ptr<const Bytes> data;
};

using PicturePtr = std::shared_ptr<const Picture>;

} // namespace anime::service
