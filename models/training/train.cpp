// SPDX-License-Identifier: LGPL-2.1-or-later
// The training loop: steps of a recipe from a checkpoint or from the seed, stopped and resumed without loss.
#include "models/training/train.h"

#include "models/weights/mapped_file.h"
#include "models/weights/safetensors.h"

#include <ATen/Parallel.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/cuda.h>
#include <torch/serialize/input-archive.h>
#include <torch/serialize/output-archive.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <filesystem>
#include <future>
#include <stdexcept>

namespace anime::training
{
namespace
{

constexpr double decay_first = 0.9;
constexpr double decay_second = 0.99;
constexpr double epsilon = 1e-8;

Parameters zeros_like(const Parameters &parameters)
{
    Parameters zeros;
    for (const auto &[name, tensor] : parameters) {
        zeros.emplace_back(name, at::zeros_like(tensor));
    }
    return zeros;
}

/// The exponential average forgets the beginning faster, where the weights are still far from good.
double average_decay(double decay, std::uint64_t step)
{
    const auto n = static_cast<double>(step);
    return std::min(decay, (1 + n) / (10 + n));
}

void adam_step(Progress &progress, const std::vector<at::Tensor> &gradients, double rate, double average)
{
    const auto n = static_cast<double>(progress.step + 1);
    const double correction = std::sqrt(1 - std::pow(decay_second, n)) / (1 - std::pow(decay_first, n));
    for (std::size_t i = 0; i < gradients.size(); ++i) {
        at::Tensor &first = progress.first[i].second;
        at::Tensor &second = progress.second[i].second;
        first.mul_(decay_first).add_(gradients[i], 1 - decay_first);
        second.mul_(decay_second).addcmul_(gradients[i], gradients[i], 1 - decay_second);
        progress.weights[i].second.addcdiv_(first, second.sqrt().add_(epsilon), -rate * correction);
        progress.average[i].second.lerp_(progress.weights[i].second, 1 - average);
    }
}

struct Outcome {
    double loss = 0;
    std::vector<at::Tensor> gradients;
};

/// Loss and gradients of crops [first, first + count) of `batch`, on the calling thread alone.
Outcome differentiate(const Parameters &weights, const Batch &batch, int first, int count,
                      const LossWeights &losses, at::ScalarType type)
{
    at::set_num_threads(1);
    Parameters leaves;
    std::vector<at::Tensor> inputs;
    for (const auto &[name, tensor] : weights) {
        inputs.push_back(tensor.detach().requires_grad_(true));
        leaves.emplace_back(name, inputs.back());
    }
    const auto part = [&](const at::Tensor &whole) { return whole.narrow(0, first, count); };
    const at::Tensor painted = Student(leaves).paint(part(batch.photo), part(batch.thumbnail), type);
    const at::Tensor error = loss(painted, part(batch.target), part(batch.mask), losses);
    return {error.item<double>(), torch::autograd::grad({error}, inputs)};
}

/// Mean over the batch. Each thread takes its share of the crops and they meet once a step: threads that meet
/// at every layer wait for each other most of the time where the machine has other work.
Outcome differentiate(const Parameters &weights, const Batch &batch, const LossWeights &losses,
                      const Compute &compute)
{
    const int count = static_cast<int>(batch.photo.size(0));
    const int shares = compute.device.is_cpu() ? std::min(compute.threads, count) : 1;
    std::vector<std::future<Outcome>> outcomes;
    for (int i = 0; i < shares; ++i) {
        const int first = count * i / shares;
        const int crops = count * (i + 1) / shares - first;
        outcomes.push_back(std::async(std::launch::async, [&, first, crops] {
            Outcome own = differentiate(weights, batch, first, crops, losses, compute.type);
            const double share = static_cast<double>(crops) / count;
            own.loss *= share;
            for (at::Tensor &gradient : own.gradients) {
                gradient = gradient * share;
            }
            return own;
        }));
    }
    Outcome sum = outcomes.front().get();
    for (std::size_t i = 1; i < outcomes.size(); ++i) {
        const Outcome other = outcomes[i].get();
        sum.loss += other.loss;
        for (std::size_t g = 0; g < sum.gradients.size(); ++g) {
            sum.gradients[g] = sum.gradients[g] + other.gradients[g];
        }
    }
    return sum;
}

Batch on_device(const Batch &batch, const at::Device &device)
{
    return {batch.photo.to(device), batch.target.to(device), batch.thumbnail.to(device),
            batch.mask.to(device)};
}

/// Replaces each of `parameters` by the tensor of its name in a .safetensors file.
void take_weights(Parameters &parameters, const std::string &path)
{
    const MappedFile file(path);
    const Safetensors contents = parse_safetensors(file.bytes(), path);
    for (auto &[name, tensor] : parameters) {
        const auto found = contents.tensors.find(name);
        if (found == contents.tensors.end() || at::IntArrayRef(found->second->shape) != tensor.sizes()) {
            throw std::runtime_error(path + ": has no " + name + " of the network's shape");
        }
        tensor = at::tensor(at::ArrayRef<float>(found->second->data)).view(tensor.sizes());
    }
}

} // namespace

at::Device find_device(const std::string &name)
{
    const auto cards = static_cast<int>(torch::cuda::device_count());
    try {
        const at::Device device(name);
        if (device.is_cpu() || (device.is_cuda() && cards > 0 && device.index() < cards)) {
            return device;
        }
    } catch (const c10::Error &) {
        // No device is called like that: answered like one that is not there.
    }
    throw std::runtime_error("no device '" + name + "': it has to be 'cpu', or 'cuda:N' where libtorch has " +
                             "CUDA and the machine has a card; " + std::to_string(cards) + " were found");
}

Progress start(const Recipe &recipe)
{
    Progress progress;
    progress.recipe = recipe.digest;
    progress.weights = Student(recipe.seed).parameters();
    if (!recipe.start.empty()) {
        take_weights(progress.weights, recipe.start);
    }
    for (const auto &[name, tensor] : progress.weights) {
        progress.average.emplace_back(name, tensor.clone());
    }
    progress.first = zeros_like(progress.weights);
    progress.second = zeros_like(progress.weights);
    return progress;
}

void save(const Progress &progress, const std::string &path)
{
    torch::serialize::OutputArchive archive;
    archive.write("step", c10::IValue(static_cast<std::int64_t>(progress.step)));
    archive.write("recipe", c10::IValue(progress.recipe));
    const auto write = [&archive](const char *kind, const Parameters &parameters) {
        torch::serialize::OutputArchive inner(archive.compilation_unit());
        for (const auto &[name, tensor] : parameters) {
            std::string key = name;
            std::replace(key.begin(), key.end(), '.', '/');
            inner.write(key, tensor.cpu()); // so that a machine without the GPU can go on
        }
        archive.write(kind, inner);
    };
    write("weights", progress.weights);
    write("average", progress.average);
    write("first", progress.first);
    write("second", progress.second);
    const std::string partial = path + ".partial";
    archive.save_to(partial);
    std::filesystem::rename(partial, path);
}

Progress load(const std::string &path, const Recipe &recipe)
{
    torch::serialize::InputArchive archive;
    archive.load_from(path);
    Progress progress;
    c10::IValue step;
    archive.read("step", step);
    progress.step = static_cast<std::uint64_t>(step.toInt());
    c10::IValue digest;
    if (archive.try_read("recipe", digest)) {
        progress.recipe = digest.toStringRef();
    }
    if (progress.recipe != recipe.digest) {
        throw std::runtime_error(path + ": belongs to another recipe than '" + recipe.name +
                                 "' as it is now; put the recipe back, give another --folder, or name the "
                                 "weights so far as 'start' of a recipe of their own");
    }
    const Parameters names = Student(0).parameters();
    const auto read = [&](const char *kind) {
        torch::serialize::InputArchive inner;
        archive.read(kind, inner);
        Parameters parameters;
        for (const auto &[name, shape] : names) {
            std::string key = name;
            std::replace(key.begin(), key.end(), '.', '/');
            at::Tensor tensor;
            inner.read(key, tensor);
            if (tensor.sizes() != shape.sizes()) {
                throw std::runtime_error(path + ": " + name + " has another shape than the network's");
            }
            parameters.emplace_back(name, tensor.detach());
        }
        return parameters;
    };
    progress.weights = read("weights");
    progress.average = read("average");
    progress.first = read("first");
    progress.second = read("second");
    return progress;
}

void train(Progress &progress, const Recipe &recipe, const std::vector<Example> &examples,
           const Compute &compute, const Report &report)
{
    if (examples.empty()) {
        throw std::runtime_error("there are no photos with a teacher's picture to train on");
    }
    for (Parameters *parameters : {&progress.weights, &progress.average, &progress.first, &progress.second}) {
        *parameters = on_device(*parameters, compute.device);
    }
    const std::uint64_t end = recipe.steps();
    while (progress.step < end) {
        const auto [phase, rate] = moment(recipe, progress.step);
        const Batch batch = on_device(
            draw_batch(examples, recipe.seed, progress.step, recipe.batch, recipe.crop), compute.device);
        const Outcome outcome = differentiate(progress.weights, batch, phase->weights, compute);
        if (!std::isfinite(outcome.loss)) {
            throw std::runtime_error("the loss is not finite at step " + std::to_string(progress.step));
        }
        adam_step(progress, outcome.gradients, rate, average_decay(recipe.average, progress.step));
        ++progress.step;
        if (!report(progress, outcome.loss, rate)) {
            return;
        }
    }
}

} // namespace anime::training
