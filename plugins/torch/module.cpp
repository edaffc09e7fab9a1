// SPDX-License-Identifier: LGPL-2.1-or-later
// The module anime-torch: the table of C functions, and the wall that no exception passes.
#include "models/error.h"
#include "models/executors/torch/abi.h"
#include "models/torch_abi.h"
#include "plugins/torch/network.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <c10/core/InferenceMode.h>
#include <torch/cuda.h>

#include <cstring>
#include <exception>
#include <new>
#include <string>
#include <string_view>
#include <utility>

struct AnimeTorchNetwork {
    std::unique_ptr<anime::Network> network;
    int threads;
};

namespace anime
{

namespace
{

template <std::size_t N>
void copy(char (&to)[N], const std::string &from)
{
    const std::size_t count = std::min(from.size(), N - 1);
    std::memcpy(to, from.data(), count);
    to[count] = '\0';
}

void fill(AnimeTorchError *error, const char *code, const std::string &message, const std::string &remedy)
{
    copy(error->code, code);
    copy(error->message, message);
    copy(error->remedy, remedy);
}

/// libtorch says it in words: its allocators throw no type of their own on the CPU.
bool is_out_of_memory(const std::string &message)
{
    return message.find("not enough memory") != std::string::npos ||
           message.find("can't allocate memory") != std::string::npos ||
           message.find("out of memory") != std::string::npos;
}

/// libtorch's amount without its advice, which is for those who write PyTorch programs.
std::string out_of_memory(const std::string &message)
{
    constexpr std::string_view before = "ried to allocate ";
    const std::size_t found = message.find(before);
    if (found == std::string::npos)
        return "There is not enough memory for this picture.";
    const std::size_t from = found + before.size();
    // "147.41 GiB. GPU 0 has ...", "9663676416 bytes. Error code 12 ..."
    std::string amount = message.substr(from, message.find(". ", from) - from);
    if (amount.ends_with('.'))
        amount.pop_back();
    return "There is not enough memory for this picture: " + amount + " could not be had.";
}

std::string first_line(const std::string &text)
{
    return text.substr(0, text.find('\n'));
}

/// Runs `body`; what it throws becomes the error. `code` stands for what libtorch throws.
template <typename Body>
bool guarded(AnimeTorchError *error, const char *code, Body body) noexcept
{
    try {
        body();
        return true;
    } catch (const Error &why) {
        fill(error, why.code().c_str(), why.what(), why.remedy());
    } catch (const std::bad_alloc &) {
        fill(error, "out-of-memory", "There is not enough memory for this picture.", "Lower max-dimension.");
    } catch (const c10::Error &why) {
        const std::string message = why.what_without_backtrace();
        if (is_out_of_memory(message))
            fill(error, "out-of-memory", out_of_memory(message), "Lower max-dimension.");
        else if (message.find("CUDA error") != std::string::npos)
            fill(error, "device-lost", "The GPU failed: " + first_line(message),
                 "Restart the process; the kernel's log tells more (dmesg, lines with NVRM).");
        else
            fill(error, code, "libtorch: " + message, "");
    } catch (const std::exception &why) {
        fill(error, code, std::string("libtorch: ") + why.what(), "");
    } catch (...) {
        fill(error, code, "libtorch failed without saying why.", "");
    }
    return false;
}

torch::Device parse_device(const std::string &name)
{
    const bool cuda = torch::cuda::is_available();
    if (name == "auto")
        return cuda ? torch::Device(torch::kCUDA, 0) : torch::Device(torch::kCPU);
    if (name == "cpu")
        return torch::kCPU;
    const bool known = name.starts_with("cuda:") && name.size() > 5 && name.size() < 8 &&
                       name.find_first_not_of("0123456789", 5) == std::string::npos;
    if (!known)
        throw Error("device-missing", "'" + name + "' is not a device.", "Devices are auto, cpu and cuda:N.");
    if (!cuda)
        throw Error("device-missing", "There is no CUDA device for '" + name + "'.",
                    "Use device=cpu, or a libtorch with CUDA on a machine that has one.");
    const int index = std::stoi(name.substr(5));
    if (index >= static_cast<int>(torch::cuda::device_count()))
        throw Error("device-missing",
                    "There are " + std::to_string(torch::cuda::device_count()) + " CUDA devices and no '" +
                        name + "'.",
                    "Devices are counted from cuda:0.");
    return {torch::kCUDA, static_cast<torch::DeviceIndex>(index)};
}

/// Without our kernels a GPU runs graphs by libtorch's own operators, in f32.
bool has_kernels(torch::Device device)
{
    return device.is_cuda() && has_cuda_network();
}

bool resolve_device(const char *name, AnimeTorchDevice *device, AnimeTorchError *error)
{
    return guarded(error, "device-missing", [&] {
        const torch::Device found = parse_device(name);
        copy(device->name, found.str());
        device->half = has_kernels(found);
    });
}

bool open_graph(const Graph *graph, const char *device, const char *precision, unsigned threads,
                AnimeTorchNetwork **network, AnimeTorchError *error)
{
    return guarded(error, "model-invalid", [&] {
        const c10::InferenceMode inference;
        const torch::Device where = parse_device(device);
        const bool half = std::string_view(precision) == "f16";
        auto made =
            has_kernels(where) ? make_cuda_network(*graph, where, half) : make_graph_network(*graph, where);
        *network = new AnimeTorchNetwork{std::move(made), static_cast<int>(threads)};
    });
}

bool open_script(const char *path, const char *device, unsigned threads, AnimeTorchNetwork **network,
                 AnimeTorchError *error)
{
    return guarded(error, "model-invalid", [&] {
        const torch::Device where = parse_device(device);
        *network = new AnimeTorchNetwork{make_script_network(path, where), static_cast<int>(threads)};
    });
}

/// What painting needs around it.
template <typename Body>
bool painting(AnimeTorchNetwork *network, std::size_t *bytes, AnimeTorchError *error, Body body) noexcept
{
    return guarded(error, "model-invalid", [&] {
        const c10::InferenceMode inference;
        torch::set_num_threads(network->threads);
        body();
        *bytes = network->network->bytes();
    });
}

bool paint(AnimeTorchNetwork *network, const AnimeTorchPicture *picture, unsigned worker,
           const std::atomic<bool> *cancel, std::size_t *bytes, AnimeTorchError *error)
{
    return painting(network, bytes, error, [&] { network->network->paint(*picture, worker, *cancel); });
}

bool run(AnimeTorchNetwork *network, const float *in, float *out, int width, int height,
         const std::atomic<bool> *cancel, std::size_t *bytes, AnimeTorchError *error)
{
    return painting(network, bytes, error, [&] { network->network->run(in, out, width, height, *cancel); });
}

void close(AnimeTorchNetwork *network)
{
    delete network;
}

constexpr AnimeTorchApi api = {
    .abi = ANIME_TORCH_ABI,
    .version = ANIME_VERSION,
    .resolve_device = resolve_device,
    .open_graph = open_graph,
    .open_script = open_script,
    .paint = paint,
    .run = run,
    .close = close,
};

} // namespace

} // namespace anime

extern "C" __attribute__((visibility("default"))) const AnimeTorchApi *anime_torch_module()
{
    // f32 is what the painters promise. By libtorch's default, convolutions on CUDA round to 10 bits of
    // mantissa.
    at::globalContext().setAllowTF32CuDNN(false);
    at::globalContext().setAllowTF32CuBLAS(false);
    return &anime::api;
}
