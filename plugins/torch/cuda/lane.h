// SPDX-License-Identifier: LGPL-2.1-or-later
// What a GPU keeps for each frame that may be under way on it: a stream and memory that all networks share,
// because a lane paints one frame after the other. So what a process takes of a GPU does not grow with its
// networks.
#pragma once

#include <c10/cuda/CUDAStream.h>
#include <torch/types.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>

namespace anime::cuda
{

class Lane
{
public:
    explicit Lane(torch::Device device);
    ~Lane();
    Lane(const Lane &) = delete;
    Lane &operator=(const Lane &) = delete;

    /// At least so much memory, on the GPU and for its copies on the host. What was there before is lost
    /// where it grows, and generation() changes. Throws Error out-of-memory, and has none then.
    void reserve(std::size_t device_bytes, std::size_t in_bytes, std::size_t out_bytes);

    std::uint64_t generation() const { return generation_; }
    std::byte *memory() const { return static_cast<std::byte *>(memory_.data_ptr()); }
    std::uint8_t *staged_in() const { return static_cast<std::uint8_t *>(in_.data_ptr()); }
    std::uint8_t *staged_out() const { return static_cast<std::uint8_t *>(out_.data_ptr()); }
    std::size_t bytes() const;
    const c10::cuda::CUDAStream &stream() const { return stream_; }

    /// Sleeps until everything on the stream is done.
    void wait() const;

private:
    torch::Device device_;
    c10::cuda::CUDAStream stream_;
    cudaEvent_t done_ = nullptr;
    torch::Tensor memory_;
    torch::Tensor in_; ///< in memory that does not move, so that the GPU copies while others compute
    torch::Tensor out_;
    std::uint64_t generation_ = 0;
};

class Device
{
public:
    /// How many frames may be under way; models/executors/slot.h has as many workers for a GPU.
    static constexpr std::size_t lanes = 2;
    /// Frames that need more share one lane, so that large pictures take memory once.
    static constexpr std::size_t most_in_a_lane = std::size_t{1} << 30;

    /// The device's lanes; they live as long as somebody holds them.
    static std::shared_ptr<Device> of(torch::Device device);

    explicit Device(torch::Device device);
    ~Device();

    /// A lane that nobody else has until the lock is let go of.
    class Use
    {
    public:
        Use(Lane &lane, std::mutex &lock) : lane_(lane), guard_(lock) {}
        Lane &lane() const { return lane_; }

    private:
        Lane &lane_;
        std::unique_lock<std::mutex> guard_;
    };
    /// For worker `worker`, who needs so much memory on the GPU.
    Use use(std::size_t worker, std::size_t bytes);

    int multiprocessors() const { return multiprocessors_; }

    /// After a failure on `lane`: waits for it, and finds out whether the device is lost. Throws Error
    /// device-lost if so; nobody gets anything from the device from then on.
    void settle(const Lane &lane);
    /// Throws Error device-lost where it is.
    void require() const;
    bool lost() const { return failure_.load(std::memory_order_relaxed) != cudaSuccess; }

private:
    struct Locked {
        explicit Locked(torch::Device device) : lane(device) {}
        Lane lane;
        std::mutex lock;
    };

    int multiprocessors_ = 0;
    std::atomic<cudaError_t> failure_ = cudaSuccess;       ///< a broken context stays so
    std::array<std::unique_ptr<Locked>, lanes + 1> lanes_; ///< the last one is for large frames
};

} // namespace anime::cuda
