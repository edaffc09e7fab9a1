// SPDX-License-Identifier: LGPL-2.1-or-later
// Streams and memory of a GPU.
#include "plugins/torch/cuda/lane.h"

#include "models/error.h"
#include "plugins/torch/cuda/run_step.h"

#include <c10/cuda/CUDACachingAllocator.h>
#include <c10/cuda/CUDAGuard.h>
#include <cuda_runtime_api.h>

#include <algorithm>
#include <exception>
#include <map>
#include <string>

namespace anime::cuda
{

namespace
{

std::size_t size_of(const torch::Tensor &tensor)
{
    return tensor.defined() ? tensor.nbytes() : 0;
}

[[noreturn]] void refuse(std::size_t bytes)
{
    std::size_t left = 0;
    std::size_t all = 0;
    check(cudaMemGetInfo(&left, &all));
    const auto megabytes = [](std::size_t count) { return std::to_string(count / 1000000) + " MB"; };
    throw Error("out-of-memory",
                "This picture needs " + megabytes(bytes) + " of the GPU's memory, of which " +
                    megabytes(left) + " are free.",
                "Lower max-dimension.");
}

} // namespace

Lane::Lane(torch::Device device)
    : device_(device), stream_(c10::cuda::getStreamFromPool(false, device.index()))
{
    const c10::cuda::CUDAGuard guard(device_);
    check(cudaEventCreateWithFlags(&done_, cudaEventDisableTiming | cudaEventBlockingSync));
}

Lane::~Lane()
{
    cudaStreamSynchronize(stream_.stream());
    cudaEventDestroy(done_);
}

void Lane::reserve(std::size_t device_bytes, std::size_t in_bytes, std::size_t out_bytes)
{
    const auto bytes = torch::TensorOptions().dtype(torch::kByte);
    if (size_of(memory_) < device_bytes) {
        ++generation_;
        memory_.reset();
        c10::cuda::CUDACachingAllocator::emptyCache();
        try {
            memory_ = torch::empty({static_cast<std::int64_t>(device_bytes)}, bytes.device(device_));
        } catch (const c10::OutOfMemoryError &) {
            refuse(device_bytes);
        }
    }
    for (const auto &[tensor, wanted] : {std::pair(&in_, in_bytes), std::pair(&out_, out_bytes)})
        if (size_of(*tensor) < wanted) {
            tensor->reset();
            *tensor = torch::empty({static_cast<std::int64_t>(wanted)}, bytes.pinned_memory(true));
        }
}

std::size_t Lane::bytes() const
{
    std::size_t sum = 0;
    for (const torch::Tensor &tensor : {memory_, in_, out_})
        sum += size_of(tensor);
    return sum;
}

void Lane::wait() const
{
    check(cudaEventRecord(done_, stream_.stream()));
    check(cudaEventSynchronize(done_));
}

std::shared_ptr<Device> Device::of(torch::Device device)
{
    static std::mutex lock;
    static std::map<torch::DeviceIndex, std::weak_ptr<Device>> devices;
    const std::lock_guard guard(lock);
    std::weak_ptr<Device> &current = devices[device.index()];
    std::shared_ptr<Device> found = current.lock();
    if (!found) {
        found = std::make_shared<Device>(device);
        current = found;
    }
    return found;
}

Device::Device(torch::Device device)
{
    check(cudaDeviceGetAttribute(&multiprocessors_, cudaDevAttrMultiProcessorCount, device.index()));
    for (auto &lane : lanes_)
        lane = std::make_unique<Locked>(device);
}

Device::~Device()
{
    for (auto &lane : lanes_)
        lane.reset();
    if (lost())
        return; // it has nothing to give back
    try {
        c10::cuda::CUDACachingAllocator::emptyCache();
    } catch (const std::exception &) { // lost without anybody's having noticed
    }
}

Device::Use Device::use(std::size_t worker, std::size_t bytes)
{
    Locked &locked = *lanes_[bytes > most_in_a_lane ? lanes : std::min(worker, lanes - 1)];
    return {locked.lane, locked.lock};
}

void Device::settle(const Lane &lane)
{
    cudaGetLastError(); // forgets what does not stay
    const cudaError_t status = cudaStreamSynchronize(lane.stream().stream());
    if (status != cudaSuccess)
        failure_ = status;
    check(status);
}

void Device::require() const
{
    check(failure_.load(std::memory_order_relaxed));
}

} // namespace anime::cuda
