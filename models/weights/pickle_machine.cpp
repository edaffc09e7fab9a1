// SPDX-License-Identifier: LGPL-2.1-or-later
#include "models/weights/pickle_machine.h"

#include "models/error.h"

#include <cstring>
#include <map>
#include <string_view>
#include <utility>

namespace anime::pickle
{

namespace
{

class Machine
{
public:
    Machine(std::span<const std::byte> program, const std::string &source)
        : program_(program), source_(source)
    {
    }

    Values run();

private:
    [[noreturn]] void invalid(const std::string &what) const { no_state_dict(source_, what); }

    const std::byte *bytes(std::size_t count);
    std::string line();
    template <typename Number>
    Number number();

    int push(Value value);
    int pop();
    std::vector<int> pop_to_mark();
    Value &at(int index) { return values_[static_cast<std::size_t>(index)]; }

    bool step(unsigned char operation);
    void tuple(std::size_t count);
    void add_items(Kind kind, std::vector<int> items);
    void persistent();
    void reduce();

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

Values Machine::run()
{
    while (step(number<std::uint8_t>())) {
    }
    const int top = pop();
    return {std::move(values_), top};
}

} // namespace

void no_state_dict(const std::string &source, const std::string &what)
{
    throw Error("model-invalid", "'" + source + "' holds no state dict: " + what + ".",
                "Save it with torch.save(model.state_dict(), path).");
}

Values run(std::span<const std::byte> program, const std::string &source)
{
    return Machine(program, source).run();
}

} // namespace anime::pickle
