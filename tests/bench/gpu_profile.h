// SPDX-License-Identifier: LGPL-2.1-or-later
// The functions of the shared object that gpu_profile.cpp becomes.
#pragma once

#include "models/graph/graph.h"

/// Writes a line "step NAME MS GB/S GFLOP/MS" for each step, and "frame": the median and the least of the
/// CUDA graph's milliseconds, the median where each step is started by the host, bytes of arena and weights.
/// False where it failed.
using AnimeGpuProfile = bool (*)(const anime::Graph *graph, bool half, int width, int height, bool tuned);
inline constexpr const char *anime_gpu_profile_name = "anime_gpu_profile";

/// Reads where no memory is, so that the process loses its context on the GPU for good, as by an error of the
/// hardware. Returns CUDA's error, 0 where nothing was lost.
using AnimeGpuLose = int (*)();
inline constexpr const char *anime_gpu_lose_name = "anime_gpu_lose";
