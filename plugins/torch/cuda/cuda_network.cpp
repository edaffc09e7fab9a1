// SPDX-License-Identifier: LGPL-2.1-or-later
// Runs a graph on a GPU: cuDNN's convolutions through libtorch, our kernels for the rest. A size that keeps
// coming has its convolutions tuned and all its steps recorded as one CUDA graph.
#include "models/error.h"
#include "plugins/torch/cuda/lane.h"
#include "plugins/torch/cuda/plan.h"
#include "plugins/torch/cuda/run_step.h"
#include "plugins/torch/network.h"

#include <ATen/cuda/CUDAGraph.h>
#include <c10/cuda/CUDAGuard.h>
#include <cuda_runtime_api.h>
#include <torch/version.h>

#include <algorithm>
#include <cstring>
#include <list>
#include <vector>

namespace anime
{

namespace
{

using namespace cuda;

/// Sizes that a network remembers on each lane, the last used ones.
constexpr std::size_t most_sizes = 8;
/// Trying cuDNN's algorithms takes a second or two. A film is worth it, single photos are not.
constexpr int tuned_after = 8;
constexpr std::size_t alignment = 512;

std::size_t aligned(std::size_t bytes)
{
    return (bytes + alignment - 1) / alignment * alignment;
}

/// A plan, and where a frame's parts lie in a lane's memory.
struct Planned {
    Planned(const PictureSize &of, Plan made) : size(of), plan(std::move(made))
    {
        const std::size_t planes = std::size_t{3} * plan.network_width * plan.network_height * sizeof(float);
        in_bytes = size.floats ? planes : std::size_t{1} * size.width * size.height * size.pixel;
        out_bytes = std::size_t{3} * size.width * size.height;
        planes_bytes = size.floats ? planes : 0;
        out = aligned(in_bytes);
        planes_out = out + aligned(out_bytes);
        arena = planes_out + aligned(planes_bytes);
        all = arena + plan.arena_bytes;
    }

    PictureSize size;
    Plan plan;
    std::size_t in_bytes;
    std::size_t out_bytes;
    std::size_t planes_bytes;
    std::size_t out; ///< from here on: places
    std::size_t planes_out;
    std::size_t arena;
    std::size_t all;
};
using PlannedPtr = std::shared_ptr<const Planned>;

/// A size that a network is ready for, on one lane.
struct Sized {
    Sized(PlannedPtr of, const Lane &on) : planned(std::move(of)), lane(&on) {}

    PlannedPtr planned;
    const Lane *lane;
    std::uint64_t generation = 0; ///< of the lane's memory that the rest is bound to; 0: none
    std::vector<Step> steps;
    int frames = 0;
    std::unique_ptr<at::cuda::CUDAGraph> graph;
};

class CudaNetwork final : public Network
{
public:
    CudaNetwork(const Graph &graph, torch::Device device, Precision precision);
    ~CudaNetwork() override;

    void paint(const AnimeTorchPicture &picture, unsigned worker, const std::atomic<bool> &cancel) override;
    void run(const float *in, float *out, int width, int height, const std::atomic<bool> &cancel) override;
    std::size_t bytes() const override { return bytes_; }

private:
    /// Has `fill` put the picture into the staging memory and `take` get it from there.
    template <typename Fill, typename Take>
    void paint_frame(const PictureSize &size, unsigned worker, const std::atomic<bool> &cancel, Fill fill,
                     Take take);
    PlannedPtr planned(const PictureSize &size);
    Sized &sized(const PlannedPtr &planned, const Lane &lane);
    void bind(Sized &sized, Lane &lane) const;
    void execute(Sized &sized, const Lane &lane);
    void record(Sized &sized, const Lane &lane);
    void run_steps(const Sized &sized, const Lane &lane, bool tuned) const;

    const Graph &graph_;
    torch::Device device_;
    Precision precision_;
    std::shared_ptr<Device> lanes_;
    Packing packing_; ///< complete once the first plan is made
    torch::Tensor weights_;
    std::mutex lock_;        ///< of the list; never held while something runs
    std::list<Sized> sizes_; ///< the last used first; an entry is used by the worker who has its lane
    std::atomic<std::size_t> bytes_ = 0;
};

CudaNetwork::CudaNetwork(const Graph &graph, torch::Device device, Precision precision)
    : graph_(graph), device_(device), precision_(precision), lanes_(Device::of(device)), packing_(precision)
{
    lanes_->require();
    make_plan(graph, {graph.minimum, graph.minimum}, packing_, lanes_->multiprocessors());
    // from_blob takes a mutable pointer; to() copies from it.
    auto *packed = const_cast<std::byte *>(packing_.bytes().data());
    weights_ = torch::from_blob(packed, {static_cast<std::int64_t>(packing_.bytes().size())}, torch::kByte)
                   .to(device);
    bytes_ = weights_.nbytes();
}

CudaNetwork::~CudaNetwork()
{
    // In a broken context nothing can be freed; each attempt would only write a warning.
    if (lanes_->lost())
        for (Sized &known : sizes_)
            static_cast<void>(known.graph.release());
}

void CudaNetwork::paint(const AnimeTorchPicture &picture, unsigned worker, const std::atomic<bool> &cancel)
{
    const PictureSize size{picture.width, picture.height, picture.in_pixel, false};
    paint_frame(
        size, worker, cancel,
        [&](std::uint8_t *to) {
            const std::size_t row = static_cast<std::size_t>(picture.width) * picture.in_pixel;
            for (int y = 0; y < picture.height; ++y)
                // The last pixel may end before its fourth byte.
                std::memcpy(to + y * row, picture.in + y * picture.in_stride, row - picture.in_pixel + 3);
        },
        [&](const std::uint8_t *from) {
            const std::size_t row = static_cast<std::size_t>(picture.width) * 3;
            for (int y = 0; y < picture.height; ++y, from += row) {
                std::uint8_t *to = picture.out + y * picture.out_stride;
                if (picture.out_pixel == 3) {
                    std::memcpy(to, from, row);
                    continue;
                }
                for (int x = 0; x < picture.width; ++x)
                    std::memcpy(to + static_cast<std::ptrdiff_t>(x) * picture.out_pixel,
                                from + std::size_t{3} * x, 3);
            }
        });
}

void CudaNetwork::run(const float *in, float *out, int width, int height, const std::atomic<bool> &cancel)
{
    const std::size_t bytes = std::size_t{3} * width * height * sizeof(float);
    paint_frame(
        {width, height, 3, true}, 0, cancel, [&](std::uint8_t *to) { std::memcpy(to, in, bytes); },
        [&](const std::uint8_t *from) { std::memcpy(out, from, bytes); });
}

template <typename Fill, typename Take>
void CudaNetwork::paint_frame(const PictureSize &size, unsigned worker, const std::atomic<bool> &cancel,
                              Fill fill, Take take)
{
    const PlannedPtr frame = planned(size);
    const Device::Use use = lanes_->use(worker, frame->all);
    Lane &lane = use.lane();
    if (cancel.load(std::memory_order_relaxed))
        throw Error("cancelled", "Painting was cancelled.");

    lanes_->require();
    const c10::cuda::CUDAGuard device(device_);
    const c10::cuda::CUDAStreamGuard stream(lane.stream());
    const std::size_t result_bytes = size.floats ? frame->planes_bytes : frame->out_bytes;
    try {
        lane.reserve(frame->all, frame->in_bytes, result_bytes);
        Sized &entry = sized(frame, lane);
        bind(entry, lane);
        fill(lane.staged_in());
        check(cudaMemcpyAsync(lane.memory(), lane.staged_in(), frame->in_bytes, cudaMemcpyHostToDevice,
                              lane.stream().stream()));
        execute(entry, lane);
        const std::byte *result = lane.memory() + (size.floats ? frame->planes_out : frame->out);
        check(cudaMemcpyAsync(lane.staged_out(), result, result_bytes, cudaMemcpyDeviceToHost,
                              lane.stream().stream()));
        lane.wait();
    } catch (...) {
        // Before the staging memory is the next frame's; and cuDNN does not say whether the device is lost.
        lanes_->settle(lane);
        throw;
    }
    bytes_ = weights_.nbytes() + lane.bytes();
    take(lane.staged_out());
}

PlannedPtr CudaNetwork::planned(const PictureSize &size)
{
    const std::lock_guard guard(lock_);
    for (const Sized &known : sizes_)
        if (known.planned->size == size)
            return known.planned;
    // All weights are packed, so this adds none.
    return std::make_shared<Planned>(size, make_plan(graph_, size, packing_, lanes_->multiprocessors()));
}

Sized &CudaNetwork::sized(const PlannedPtr &planned, const Lane &lane)
{
    const std::lock_guard guard(lock_);
    const auto mine = [&](const Sized &known) { return known.lane == &lane; };
    const auto found = std::find_if(sizes_.begin(), sizes_.end(), [&](const Sized &known) {
        return mine(known) && known.planned->size == planned->size;
    });
    if (found != sizes_.end()) {
        sizes_.splice(sizes_.begin(), sizes_, found);
        return sizes_.front();
    }
    if (std::count_if(sizes_.begin(), sizes_.end(), mine) >= static_cast<std::ptrdiff_t>(most_sizes))
        sizes_.erase(std::prev(std::find_if(sizes_.rbegin(), sizes_.rend(), mine).base()));
    return sizes_.emplace_front(planned, lane);
}

void CudaNetwork::bind(Sized &sized, Lane &lane) const
{
    if (sized.generation == lane.generation())
        return;
    sized.graph.reset();
    std::byte *memory = lane.memory();
    Bases bases;
    bases.in = memory;
    bases.out = reinterpret_cast<std::uint8_t *>(memory + sized.planned->out);
    bases.planes = reinterpret_cast<float *>(memory + sized.planned->planes_out);
    bases.arena = memory + sized.planned->arena;
    bases.weights = static_cast<const std::byte *>(weights_.data_ptr());
    sized.steps = sized.planned->plan.bind(bases);
    sized.generation = lane.generation();
}

void CudaNetwork::execute(Sized &sized, const Lane &lane)
{
    ++sized.frames;
    if (!sized.graph && sized.frames > tuned_after)
        record(sized, lane);
    if (sized.graph)
        sized.graph->replay();
    else
        run_steps(sized, lane, false);
}

void CudaNetwork::record(Sized &sized, const Lane &lane)
{
    // One at a time: what else runs on the device would falsify the tuning.
    static std::mutex recording;
    const std::lock_guard guard(recording);
    run_steps(sized, lane, true); // tunes
    auto graph = std::make_unique<at::cuda::CUDAGraph>();
#if TORCH_VERSION_MAJOR >= 2
    // Others may allocate meanwhile.
    graph->capture_begin({0, 0}, cudaStreamCaptureModeThreadLocal);
#else
    graph->capture_begin();
#endif
    try {
        run_steps(sized, lane, true);
    } catch (...) {
        try {
            graph->capture_end();
        } catch (const std::exception &) { // the first one tells more
        }
        throw;
    }
    graph->capture_end();
    sized.graph = std::move(graph);
}

void CudaNetwork::run_steps(const Sized &sized, const Lane &lane, bool tuned) const
{
    for (const Step &step : sized.steps)
        run_step(step, precision_, lane.stream(), tuned);
}

} // namespace

bool has_cuda_network()
{
    return true;
}

std::unique_ptr<Network> make_cuda_network(const Graph &graph, torch::Device device, bool half)
{
    return std::make_unique<CudaNetwork>(graph, device, half ? Precision::f16 : Precision::f32);
}

} // namespace anime
