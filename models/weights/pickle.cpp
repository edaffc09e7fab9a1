// SPDX-License-Identifier: LGPL-2.1-or-later
// A machine for the pickle operations of state dicts (protocol 2; the operations: Python's pickletools).
#include "models/weights/pickle.h"

#include "models/error.h"
#include "models/weights/safetensors.h"

#include <glib.h>

#include <algorithm>
#include <cstring>
#include <deque>
#include <map>
#include <optional>
#include <string_view>
#include <utility>

namespace anime
{

namespace
{

enum class Kind { nothing, integer, text, global, tuple, list, dict, storage, tensor, object };

/// Values refer to each other by index, so that a pickle which contains itself does no harm. A storage or
/// tensor keeps only what it needs of the tuple that makes it: the memo lets a pickle name a long tuple as
/// often as it likes.
struct Value {
    Kind kind = Kind::nothing;
    std::int64_t integer = 0;
    std::string text;       ///< text; "module name" of a global
    std::vector<int> items; ///< of a tuple or list; keys and values of a dict; a storage's type and name; a
                            ///< tensor's storage, offset, shape and strides
};

class Machine
{
public:
    Machine(std::span<const std::byte> program, const std::string &source)
        : program_(program), source_(source)
    {
    }

    std::vector<PickledTensor> run();

private:
    [[noreturn]] void invalid(const std::string &what) const
    {
        throw Error("model-invalid", "'" + source_ + "' holds no state dict: " + what + ".",
                    "Save it with torch.save(model.state_dict(), path).");
    }

    const std::byte *bytes(std::size_t count);
    std::string line();
    template <typename Number>
    Number number();

    int push(Value value);
    int pop();
    std::vector<int> pop_to_mark();
    Value &at(int index) { return values_[static_cast<std::size_t>(index)]; }
    std::int64_t integer(int index);
    std::vector<std::int64_t> integers(int index);
    std::string name(int index);

    bool step(unsigned char operation);
    void tuple(std::size_t count);
    void add_items(Kind kind, std::vector<int> items);
    void persistent();
    void reduce();

    std::optional<int> find(int dict, std::string_view key);
    int find_weights(int top);
    bool holds_tensors(int dict);
    PickledTensor describe(int tensor);

    std::span<const std::byte> program_;
    const std::string &source_;
    std::size_t position_ = 0;
    std::deque<Value> values_;
    std::vector<int> stack_;
    std::vector<std::size_t> marks_;
    std::map<std::uint32_t, int> memo_;
};

const std::byte *Machine::bytes(std::size_t count)
{
    if (count > program_.size() - position_)
        invalid("its description is cut off");
    position_ += count;
    return program_.data() + position_ - count;
}

template <typename Number>
Number Machine::number()
{
    Number value;
    std::memcpy(&value, bytes(sizeof value), sizeof value);
    return value;
}

std::string Machine::line()
{
    std::string text;
    for (char c; (c = static_cast<char>(number<std::uint8_t>())) != '\n';)
        text += c;
    return text;
}

int Machine::push(Value value)
{
    values_.push_back(std::move(value));
    stack_.push_back(static_cast<int>(values_.size()) - 1);
    return stack_.back();
}

int Machine::pop()
{
    if (stack_.size() <= (marks_.empty() ? 0 : marks_.back()))
        invalid("its description is damaged");
    const int top = stack_.back();
    stack_.pop_back();
    return top;
}

std::vector<int> Machine::pop_to_mark()
{
    if (marks_.empty())
        invalid("its description is damaged");
    const auto begin = stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back());
    std::vector<int> items(begin, stack_.end());
    stack_.erase(begin, stack_.end());
    marks_.pop_back();
    return items;
}

std::int64_t Machine::integer(int index)
{
    if (at(index).kind != Kind::integer)
        invalid("a tensor's description is damaged");
    return at(index).integer;
}

std::vector<std::int64_t> Machine::integers(int index)
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
std::string Machine::name(int index)
{
    const std::string &text = at(index).text;
    if (text.size() > max_name_bytes)
        invalid("a name in it is longer than " + std::to_string(max_name_bytes) + " bytes");
    if (!g_utf8_validate_len(text.data(), text.size(), nullptr))
        invalid("a name in it is not UTF-8");
    return text;
}

void Machine::tuple(std::size_t count)
{
    std::vector<int> items(count);
    for (std::size_t i = count; i-- > 0;)
        items[i] = pop();
    push({Kind::tuple, 0, {}, std::move(items)});
}

/// Appends to the list or dict on the top; to an object of a class that isn't known, for nothing.
void Machine::add_items(Kind kind, std::vector<int> items)
{
    const int target = pop();
    stack_.push_back(target);
    if (at(target).kind == Kind::object)
        return;
    if (at(target).kind != kind || (kind == Kind::dict && items.size() % 2 != 0))
        invalid("its description is damaged");
    at(target).items.insert(at(target).items.end(), items.begin(), items.end());
}

/// ("storage", type, name, device, number of values)
void Machine::persistent()
{
    const int id = pop();
    const std::vector<int> &items = at(id).items;
    if (at(id).kind != Kind::tuple || items.size() < 5 || at(items[1]).kind != Kind::global)
        invalid("it refers to something that is not a storage");
    push({Kind::storage, 0, {}, {items[1], items[2]}});
}

void Machine::reduce()
{
    const int arguments = pop();
    const int function = pop();
    if (at(arguments).kind != Kind::tuple)
        invalid("its description is damaged");
    const std::string_view name = at(function).kind == Kind::global ? at(function).text : std::string_view();
    const std::vector<int> &items = at(arguments).items;
    if (name == "collections OrderedDict" && items.empty())
        push({Kind::dict, 0, {}, {}});
    else if (name == "torch._utils _rebuild_tensor_v2" && items.size() >= 4)
        push({Kind::tensor, 0, {}, {items.begin(), items.begin() + 4}});
    else if (name == "torch._utils _rebuild_parameter" && !items.empty())
        stack_.push_back(items[0]);
    else
        push({Kind::object, 0, {}, {}});
}

/// Returns false at the end of the program.
bool Machine::step(unsigned char operation)
{
    switch (operation) {
    case 0x80: // PROTO
        number<std::uint8_t>();
        return true;
    case '.': // STOP
        return false;
    case '(': // MARK
        marks_.push_back(stack_.size());
        return true;
    case 'N': // NONE
    case 'G': // BINFLOAT
        if (operation == 'G')
            bytes(8);
        push({});
        return true;
    case 0x88: // NEWTRUE
    case 0x89: // NEWFALSE
        push({Kind::integer, operation == 0x88, {}, {}});
        return true;
    case 'J': // BININT
        push({Kind::integer, number<std::int32_t>(), {}, {}});
        return true;
    case 'K': // BININT1
        push({Kind::integer, number<std::uint8_t>(), {}, {}});
        return true;
    case 'M': // BININT2
        push({Kind::integer, number<std::uint16_t>(), {}, {}});
        return true;
    case 0x8a: { // LONG1: little-endian two's complement
        const auto size = number<std::uint8_t>();
        if (size > 8)
            invalid("it has a number that is too large");
        std::uint64_t value = 0;
        const std::byte *from = bytes(size);
        for (std::size_t i = 0; i < size; ++i)
            value |= static_cast<std::uint64_t>(from[i]) << 8 * i;
        if (size > 0 && size < 8 && value >> (8 * size - 1))
            value |= ~std::uint64_t{0} << 8 * size;
        push({Kind::integer, static_cast<std::int64_t>(value), {}, {}});
        return true;
    }
    case 'X': { // BINUNICODE
        const auto size = number<std::uint32_t>();
        push({Kind::text, 0, {reinterpret_cast<const char *>(bytes(size)), size}, {}});
        return true;
    }
    case 'c': { // GLOBAL
        const std::string module = line();
        push({Kind::global, 0, module + " " + line(), {}});
        return true;
    }
    case ')': // EMPTY_TUPLE
        push({Kind::tuple, 0, {}, {}});
        return true;
    case 't': // TUPLE
        push({Kind::tuple, 0, {}, pop_to_mark()});
        return true;
    case 0x85: // TUPLE1
    case 0x86: // TUPLE2
    case 0x87: // TUPLE3
        tuple(operation - 0x84U);
        return true;
    case ']': // EMPTY_LIST
        push({Kind::list, 0, {}, {}});
        return true;
    case 'a': // APPEND
        add_items(Kind::list, {pop()});
        return true;
    case 'e': // APPENDS
        add_items(Kind::list, pop_to_mark());
        return true;
    case '}': // EMPTY_DICT
        push({Kind::dict, 0, {}, {}});
        return true;
    case 's': { // SETITEM
        const int value = pop();
        const int key = pop();
        add_items(Kind::dict, {key, value});
        return true;
    }
    case 'u': // SETITEMS
        add_items(Kind::dict, pop_to_mark());
        return true;
    case 'q':   // BINPUT
    case 'r': { // LONG_BINPUT
        const std::uint32_t slot = operation == 'q' ? number<std::uint8_t>() : number<std::uint32_t>();
        memo_[slot] = pop();
        stack_.push_back(memo_[slot]);
        return true;
    }
    case 'h':   // BINGET
    case 'j': { // LONG_BINGET
        const std::uint32_t slot = operation == 'h' ? number<std::uint8_t>() : number<std::uint32_t>();
        if (!memo_.contains(slot))
            invalid("its description is damaged");
        stack_.push_back(memo_[slot]);
        return true;
    }
    case 'Q': // BINPERSID
        persistent();
        return true;
    case 'R': // REDUCE
        reduce();
        return true;
    case 0x81: // NEWOBJ
        pop();
        pop();
        push({Kind::object, 0, {}, {}});
        return true;
    case 'b': // BUILD: attributes, such as state_dict()'s _metadata
        pop();
        return true;
    default:
        invalid("it needs the pickle operation " + std::to_string(operation) + ", which no state dict needs");
    }
}

bool Machine::holds_tensors(int dict)
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
std::optional<int> Machine::find(int dict, std::string_view key)
{
    const std::vector<int> &items = at(dict).items;
    for (std::size_t i = 0; i < items.size(); i += 2)
        if (at(items[i]).text == key)
            return items[i + 1];
    return std::nullopt;
}

int Machine::find_weights(int top)
{
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

PickledTensor Machine::describe(int tensor)
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

std::vector<PickledTensor> Machine::run()
{
    if (program_.size() > max_pickle_bytes)
        invalid("its description has " + std::to_string(program_.size()) + " bytes, and " +
                std::to_string(max_pickle_bytes) + " are the limit");
    while (step(number<std::uint8_t>())) {
    }
    const int weights = find_weights(pop());

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

std::vector<PickledTensor> read_pickled_tensors(std::span<const std::byte> pickle, const std::string &source)
{
    return Machine(pickle, source).run();
}

} // namespace anime
