// SPDX-License-Identifier: LGPL-2.1-or-later
// Streams and memory of a GPU.
#include "plugins/torch/cuda/lane.h"

#include "plugins/torch/cuda/run_step.h"

#include <c10/cuda/CUDACachingAllocator.h>
#include <c10/cuda/CUDAGuard.h>
#include <cuda_runtime_api.h>

#include <algorithm>
#include <map>

namespace anime::cuda
{

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
    const auto size = [](const torch::Tensor &tensor) { return tensor.defined() ? tensor.nbytes() : 0; };
    const auto host = torch::TensorOptions().dtype(torch::kByte).pinned_memory(true);
    if (size(in_) < in_bytes)
        in_ = torch::empty({static_cast<std::int64_t>(in_bytes)}, host);
    if (size(out_) < out_bytes)
        out_ = torch::empty({static_cast<std::int64_t>(out_bytes)}, host);
    if (size(memory_) >= device_bytes)
        return;
    ++generation_;
    memory_.reset();
    c10::cuda::CUDACachingAllocator::emptyCache();
    memory_ = torch::empty({static_cast<std::int64_t>(device_bytes)},
                           torch::TensorOptions().dtype(torch::kByte).device(device_));
}

std::size_t Lane::bytes() const
{
    std::size_t sum = 0;
    for (const torch::Tensor &tensor : {memory_, in_, out_})
        sum += tensor.defined() ? tensor.nbytes() : 0;
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
    try {
        c10::cuda::CUDACachingAllocator::emptyCache();
    } catch (const c10::Error &) { // a lost device has nothing to give back
    }
}

Device::Use Device::use(std::size_t worker, std::size_t bytes)
{
    Locked &locked = *lanes_[bytes > most_in_a_lane ? lanes : std::min(worker, lanes - 1)];
    return {locked.lane, locked.lock};
}

} // namespace anime::cuda
