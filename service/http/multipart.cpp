// SPDX-License-Identifier: LGPL-2.1-or-later
#include "service/http/multipart.h"

#include "service/http/fields.h"

#include <algorithm>
#include <cstring>

namespace anime::service
{

namespace
{

constexpr std::size_t most_boundary_characters = 70; // RFC 2046, 5.1.1
constexpr std::size_t most_head_bytes = 4 << 10;
constexpr std::size_t most_padding = 64;

bool is_boundary_character(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           std::strchr("'()+_,-./:=? ", c);
}

std::optional<PartHead> parse_head(std::string_view lines)
{
    PartHead head;
    while (!lines.empty()) {
        const auto end = lines.find("\r\n");
        const std::string_view line = lines.substr(0, end);
        lines.remove_prefix(end == std::string_view::npos ? lines.size() : end + 2);
        const auto colon = line.find(':');
        if (colon == std::string_view::npos)
            return std::nullopt;
        const std::string name = parse_field_value(line.substr(0, colon)).value;
        const FieldValue field = parse_field_value(line.substr(colon + 1));
        if (name == "content-type")
            head.media_type = field.value;
        if (name != "content-disposition" || field.value != "form-data")
            continue;
        if (const std::string *value = field.parameter("name"))
            head.name = *value;
        if (const std::string *value = field.parameter("filename"))
            head.file_name = *value;
    }
    return head;
}

} // namespace

MultipartReader::MultipartReader(const std::string &boundary, FormParts &parts)
    : delimiter_("\r\n--" + boundary), parts_(parts),
      buffer_("\r\n") // the first boundary may be the first line
{
}

std::optional<std::string> MultipartReader::boundary_of(std::string_view content_type)
{
    const FieldValue field = parse_field_value(content_type);
    const std::string *boundary = field.parameter("boundary");
    if (!boundary || boundary->empty() || boundary->size() > most_boundary_characters ||
        boundary->ends_with(' ') || !std::all_of(boundary->begin(), boundary->end(), is_boundary_character))
        return std::nullopt;
    return *boundary;
}

bool MultipartReader::fail(const std::string &fault)
{
    state_ = State::failed;
    fault_ = fault;
    return false;
}

bool MultipartReader::feed(std::string_view data)
{
    if (state_ == State::epilogue)
        return true;
    buffer_ += data;
    while (step()) {
    }
    return state_ != State::failed;
}

bool MultipartReader::step()
{
    switch (state_) {
    case State::preamble:
        return skip_to_boundary();
    case State::boundary_line:
        return read_boundary_line();
    case State::head:
        return read_head();
    case State::body:
        return read_body();
    case State::epilogue:
        buffer_.clear();
        return false;
    case State::failed:
        return false;
    }
    return false;
}

bool MultipartReader::skip_to_boundary()
{
    const auto at = buffer_.find(delimiter_);
    if (at == std::string::npos) {
        buffer_.erase(0, buffer_.size() - std::min(buffer_.size(), delimiter_.size() - 1));
        return false;
    }
    buffer_.erase(0, at + delimiter_.size());
    state_ = State::boundary_line;
    return true;
}

bool MultipartReader::read_boundary_line()
{
    if (buffer_.size() < 2)
        return false;
    if (buffer_.starts_with("--")) {
        state_ = State::epilogue;
        return true;
    }
    const auto end = buffer_.find("\r\n");
    const std::string_view padding = std::string_view(buffer_).substr(0, end);
    if (padding.size() > most_padding || padding.find_first_not_of(" \t\r") != std::string_view::npos)
        return fail("Something follows a boundary of the form on its line.");
    if (end == std::string::npos)
        return false;
    buffer_.erase(0, end); // its line's end is the first of the head, which may be empty
    state_ = State::head;
    return true;
}

bool MultipartReader::read_head()
{
    const auto end = buffer_.find("\r\n\r\n");
    if (std::min(end, buffer_.size()) > most_head_bytes)
        return fail("The head of a part of the form is larger than " + std::to_string(most_head_bytes) +
                    " bytes.");
    if (end == std::string::npos)
        return false;
    const auto head = parse_head(std::string_view(buffer_).substr(2, std::max<std::size_t>(end, 2) - 2));
    if (!head)
        return fail("A line in the head of a part of the form has no colon.");
    buffer_.erase(0, end + 4);
    if (!parts_.begin_part(*head))
        return fail({});
    state_ = State::body;
    return true;
}

bool MultipartReader::read_body()
{
    const auto at = buffer_.find(delimiter_);
    // What is held back may be the start of a boundary.
    const std::size_t certain =
        at != std::string::npos ? at : buffer_.size() - std::min(buffer_.size(), delimiter_.size() - 1);
    if (certain > 0 && !parts_.part_data(std::string_view(buffer_).substr(0, certain)))
        return fail({});
    if (at == std::string::npos) {
        buffer_.erase(0, certain);
        return false;
    }
    buffer_.erase(0, at + delimiter_.size());
    if (!parts_.end_part())
        return fail({});
    state_ = State::boundary_line;
    return true;
}

} // namespace anime::service
