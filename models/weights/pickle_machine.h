// SPDX-License-Identifier: LGPL-2.1-or-later
// A machine for the pickle operations of state dicts (protocol 2; the operations: Python's pickletools).
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <vector>

namespace anime::pickle
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

/// What a program leaves behind.
struct Values {
    std::deque<Value> all;
    int top = 0; ///< the index of the one that it ends with
};

/// Throws Error model-invalid with `what` is wrong with the file named `source`.
[[noreturn]] void no_state_dict(const std::string &source, const std::string &what);

/// Throws Error model-invalid for a program that is damaged or needs another operation.
Values run(std::span<const std::byte> program, const std::string &source);

} // namespace anime::pickle
