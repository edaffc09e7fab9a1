// SPDX-License-Identifier: LGPL-2.1-or-later
#include "models/weights/pickle.h"

#include "models/error.h"
#include "models/weights/pickle_machine.h"
#include "models/weights/safetensors.h"

#include <glib.h>

#include <algorithm>
#include <optional>
#include <string_view>

namespace anime
{

namespace
{

using pickle::Kind;
using pickle::Value;

/// What a pickle's values say of tensors.
class StateDict
{
public:
    StateDict(const pickle::Values &values, const std::string &source) : values_(values), source_(source) {}

    std::vector<PickledTensor> tensors() const;

private:
    [[noreturn]] void invalid(const std::string &what) const { pickle::no_state_dict(source_, what); }

    const Value &at(int index) const { return values_.all[static_cast<std::size_t>(index)]; }
    std::int64_t integer(int index) const;
    std::vector<std::int64_t> integers(int index) const;
    std::string name(int index) const;

    bool holds_tensors(int dict) const;
    std::optional<int> find(int dict, std::string_view key) const;
    int find_weights() const;
    PickledTensor describe(int tensor) const;

    const pickle::Values &values_;
    const std::string &source_;
};

std::int64_t StateDict::integer(int index) const
{
    if (at(index).kind != Kind::integer)
        invalid("a tensor's description is damaged");
    return at(index).integer;
}

std::vector<std::int64_t> StateDict::integers(int index) const
{
    if (at(index).kind != Kind::tuple)
        invalid("a tensor's description is damaged");
    const std::vector<int> &items = at(index).items;
    if (items.size() > max_rank)
        invalid("a tensor has more than " + std::to_string(max_rank) + " dimensions");
    std::vector<std::int64_t> numbers;
    for (int item : items)
        numbers.push_back(integer(item));
    return numbers;
}

/// A text or global that error messages may quote.
std::string StateDict::name(int index) const
{
    const std::string &text = at(index).text;
    if (text.size() > max_name_bytes)
        invalid("a name in it is longer than " + std::to_string(max_name_bytes) + " bytes");
    if (!g_utf8_validate_len(text.data(), text.size(), nullptr))
        invalid("a name in it is not UTF-8");
    return text;
}

bool StateDict::holds_tensors(int dict) const
{
    const Value &value = at(dict);
    if (value.kind != Kind::dict)
        return false;
    for (std::size_t i = 1; i < value.items.size(); i += 2)
        if (at(value.items[i]).kind == Kind::tensor)
            return true;
    return false;
}

/// The first value of a key. A dict may name one any number of times, and each could be a long search.
std::optional<int> StateDict::find(int dict, std::string_view key) const
{
    const std::vector<int> &items = at(dict).items;
    for (std::size_t i = 0; i < items.size(); i += 2)
        if (at(items[i]).text == key)
            return items[i + 1];
    return std::nullopt;
}

int StateDict::find_weights() const
{
    const int top = values_.top;
    // What training programs call the weights among the other things that they save, best first: averaged
    // weights paint better than those of the last step.
    static constexpr std::string_view wrappers[] = {"params_ema",       "generator", "state_dict",
                                                    "model_state_dict", "params",    "model"};
    if (holds_tensors(top))
        return top;
    if (at(top).kind == Kind::dict)
        for (std::string_view name : wrappers)
            if (const std::optional<int> value = find(top, name); value && holds_tensors(*value))
                return *value;
    invalid("it is not a dict of tensors");
}

PickledTensor StateDict::describe(int tensor) const
{
    const std::vector<int> &parts = at(tensor).items;
    if (at(parts[0]).kind != Kind::storage)
        invalid("a tensor's description is damaged");
    const std::vector<int> &storage = at(parts[0]).items;
    const std::string type = name(storage[0]);
    return {
        .name = {},
        .storage = name(storage[1]),
        .storage_type = type.substr(type.find(' ') + 1),
        .offset = integer(parts[1]),
        .shape = integers(parts[2]),
        .strides = integers(parts[3]),
    };
}

std::vector<PickledTensor> StateDict::tensors() const
{
    const int weights = find_weights();

    std::vector<PickledTensor> tensors;
    const std::vector<int> &items = at(weights).items;
    for (std::size_t i = 0; i < items.size(); i += 2) {
        if (at(items[i]).kind != Kind::text || at(items[i + 1]).kind != Kind::tensor)
            continue;
        if (tensors.size() == max_tensors)
            throw Error("model-invalid",
                        "'" + source_ + "' has more than " + std::to_string(max_tensors) + " tensors.",
                        "Use a smaller model.");
        tensors.push_back(describe(items[i + 1]));
        tensors.back().name = name(items[i]);
    }
    constexpr std::string_view parallel = "module.";
    if (std::all_of(tensors.begin(), tensors.end(),
                    [&](const PickledTensor &tensor) { return tensor.name.starts_with(parallel); }))
        for (PickledTensor &tensor : tensors)
            tensor.name.erase(0, parallel.size());
    return tensors;
}

} // namespace

std::vector<PickledTensor> read_pickled_tensors(std::span<const std::byte> program, const std::string &source)
{
    if (program.size() > max_pickle_bytes)
        pickle::no_state_dict(source, "its description has " + std::to_string(program.size()) +
                                          " bytes, and " + std::to_string(max_pickle_bytes) +
                                          " are the limit");
    return StateDict(pickle::run(program, source), source).tensors();
}

} // namespace anime
