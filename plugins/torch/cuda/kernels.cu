// SPDX-License-Identifier: LGPL-2.1-or-later
// The kernels: how the threads of a GPU share what arithmetic.h does.
#include "plugins/torch/cuda/arithmetic.h"
#include "plugins/torch/cuda/kernels.h"

#include <cuda_runtime.h>

namespace anime::cuda
{

namespace
{

constexpr int warp = 32;

struct Sums {
    float sum;
    float squares;
};

/// The sums of all threads of a block, complete in its first thread.
template <int Threads>
__device__ Sums sum_of_block(Sums own)
{
    __shared__ Sums of_warps[Threads / warp];
    for (int distance = warp / 2; distance > 0; distance /= 2) {
        own.sum += __shfl_down_sync(~0U, own.sum, distance);
        own.squares += __shfl_down_sync(~0U, own.squares, distance);
    }
    if (threadIdx.x % warp == 0)
        of_warps[threadIdx.x / warp] = own;
    __syncthreads();
    if (threadIdx.x == 0)
        for (int other = 1; other < Threads / warp; ++other) {
            own.sum += of_warps[other].sum;
            own.squares += of_warps[other].squares;
        }
    return own;
}

template <int Threads>
__device__ void write_partials(Sums own, float *partials)
{
    const Sums all = sum_of_block<Threads>(own);
    if (threadIdx.x == 0) {
        partials[2 * blockIdx.x] = all.sum;
        partials[2 * blockIdx.x + 1] = all.squares;
    }
}

template <typename T>
__global__ void kernel(const __grid_constant__ Read s)
{
    const int column = blockIdx.x * blockDim.x + threadIdx.x;
    if (column < s.columns)
        run_item<T>(s, column, blockIdx.y);
}

/// A block of one warp a cell.
__global__ void kernel(const __grid_constant__ Thumbnail s)
{
    float sums[3] = {0, 0, 0};
    const int pixels = thumbnail_sums(s, blockIdx.x, threadIdx.x, warp, sums);
    for (int distance = warp / 2; distance > 0; distance /= 2)
        for (float &sum : sums)
            sum += __shfl_down_sync(~0U, sum, distance);
    if (threadIdx.x == 0)
        for (int c = 0; c < 3; ++c)
            s.out[blockIdx.x * 3 + c] = sums[c] / static_cast<float>(pixels);
}

/// Steps of which a thread does one item.
template <typename S>
__global__ void kernel_of_items(const __grid_constant__ S s, int items)
{
    const int item = blockIdx.x * blockDim.x + threadIdx.x;
    if (item < items)
        run_item(s, item);
}

template <typename T>
__global__ void __launch_bounds__(Depthwise::threads) kernel(const __grid_constant__ Depthwise s)
{
    const long item = static_cast<long>(blockIdx.x) * Depthwise::threads + threadIdx.x;
    Sums sums{0, 0};
    if (item < s.items())
        run_item<T>(s, item, sums.sum, sums.squares);
    if (s.partials)
        write_partials<Depthwise::threads>(sums, s.partials);
}

template <typename T>
__global__ void __launch_bounds__(Moments::threads) kernel(const __grid_constant__ Moments s)
{
    Sums sums{0, 0};
    moments_sums<T>(s, static_cast<long>(blockIdx.x) * Moments::threads + threadIdx.x,
                    static_cast<long>(gridDim.x) * Moments::threads, sums.sum, sums.squares);
    write_partials<Moments::threads>(sums, s.partials);
}

constexpr int affine_threads = 256;

__global__ void kernel(const __grid_constant__ Affine s)
{
    __shared__ double sums[affine_threads / warp][2];
    double sum = 0;
    double squares = 0;
    if (s.partials) {
        affine_sums(s, threadIdx.x, affine_threads, sum, squares);
        for (int distance = warp / 2; distance > 0; distance /= 2) {
            sum += __shfl_down_sync(~0U, sum, distance);
            squares += __shfl_down_sync(~0U, squares, distance);
        }
        if (threadIdx.x % warp == 0) {
            sums[threadIdx.x / warp][0] = sum;
            sums[threadIdx.x / warp][1] = squares;
        }
        __syncthreads();
        sum = squares = 0;
        for (const auto &of_warp : sums) {
            sum += of_warp[0];
            squares += of_warp[1];
        }
    }
    for (int channel = threadIdx.x; channel < s.padded; channel += affine_threads)
        run_item(s, sum, squares, channel);
}

template <typename T>
__global__ void kernel(const __grid_constant__ Apply s)
{
    const int groups = s.channels / group;
    const int item = blockIdx.x * blockDim.x + threadIdx.x;
    const int column = item / groups;
    if (column < s.columns())
        run_item<T>(s, column, blockIdx.y, (item - column * groups) * group);
}

template <typename T>
__global__ void kernel(const __grid_constant__ Write s)
{
    const int x = blockIdx.x * blockDim.x + threadIdx.x;
    if (x < s.width)
        run_item<T>(s, x, blockIdx.y);
}

unsigned blocks_for(long items, int threads)
{
    return static_cast<unsigned>((items + threads - 1) / threads);
}

template <typename T>
struct Launcher {
    cudaStream_t stream;

    void operator()(const Read &s) const
    {
        kernel<T><<<dim3(blocks_for(s.columns, 128), s.rows), 128, 0, stream>>>(s);
    }
    void operator()(const Thumbnail &s) const { kernel<<<s.side * s.side, warp, 0, stream>>>(s); }
    void operator()(const SmallConv &s) const { small(s, s.out_height * s.out_width * s.channels); }
    void operator()(const Mean &s) const { small(s, s.channels); }
    void operator()(const Linear &s) const { small(s, s.outputs); }
    void operator()(const Conv &) const {}
    void operator()(const Depthwise &s) const { kernel<T><<<s.blocks(), Depthwise::threads, 0, stream>>>(s); }
    void operator()(const Moments &s) const { kernel<T><<<s.blocks, Moments::threads, 0, stream>>>(s); }
    void operator()(const Affine &s) const { kernel<<<1, affine_threads, 0, stream>>>(s); }
    void operator()(const Apply &s) const
    {
        const long items = static_cast<long>(s.columns()) * (s.channels / group);
        kernel<T><<<dim3(blocks_for(items, 256), s.rows()), 256, 0, stream>>>(s);
    }
    void operator()(const Write &s) const
    {
        kernel<T><<<dim3(blocks_for(s.width, 128), s.height), 128, 0, stream>>>(s);
    }

private:
    template <typename S>
    void small(const S &s, int items) const
    {
        kernel_of_items<<<blocks_for(items, 64), 64, 0, stream>>>(s, items);
    }
};

} // namespace

int launch(const Step &step, Precision precision, CUstream_st *stream)
{
    if (precision == Precision::f16)
        std::visit(Launcher<Half>{stream}, step);
    else
        std::visit(Launcher<float>{stream}, step);
    return cudaGetLastError();
}

} // namespace anime::cuda
