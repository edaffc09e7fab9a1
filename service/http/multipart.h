// SPDX-License-Identifier: LGPL-2.1-or-later
// multipart/form-data (RFC 7578) as it arrives, cut anywhere. libmicrohttpd's reader knows no unquoted names,
// and reports short values in ways of its own.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace anime::service
{

struct PartHead {
    std::string name;
    std::optional<std::string> file_name;
    std::string media_type; ///< in lower case, without parameters; empty: none
};

/// Told of the parts of a form. Each may say no, by false, and is told nothing more then.
class FormParts
{
public:
    virtual ~FormParts() = default;
    virtual bool begin_part(const PartHead &head) = 0;
    virtual bool part_data(std::string_view data) = 0;
    virtual bool end_part() = 0;
};

class MultipartReader
{
public:
    /// `parts` outlives it.
    MultipartReader(const std::string &boundary, FormParts &parts);

    /// False if the form is malformed, or the parts said no.
    bool feed(std::string_view data);
    /// Whether the last boundary was there.
    bool complete() const { return state_ == State::epilogue; }
    /// What is wrong with the form; empty if the parts said no.
    const std::string &fault() const { return fault_; }

    /// Of a Content-Type; nothing if it has none that can be one.
    static std::optional<std::string> boundary_of(std::string_view content_type);

private:
    enum class State { preamble, boundary_line, head, body, epilogue, failed };

    /// Does what the buffer has all bytes for; false if it needs more.
    bool step();
    bool skip_to_boundary();
    bool read_boundary_line();
    bool read_head();
    bool read_body();
    bool fail(const std::string &fault);

    const std::string delimiter_;
    FormParts &parts_;
    std::string buffer_; ///< what has arrived and is not understood yet
    std::string fault_;
    State state_ = State::preamble;
};

} // namespace anime::service
