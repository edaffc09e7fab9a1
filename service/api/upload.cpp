// SPDX-License-Identifier: LGPL-2.1-or-later
#include "service/api/upload.h"

#include "service/http/fields.h"
#include "service/text.h"

#include <algorithm>
#include <utility>

namespace anime::service
{

namespace
{

constexpr std::size_t most_shown_characters = 120;
/// What a form may add to its photo: boundaries, part headers, options.
constexpr std::uint64_t form_overhead_bytes = 16 << 10;

} // namespace

Upload::Upload(std::uint64_t most_bytes, ByteBudget &budget, std::string client, FormFields fields)
    : most_bytes_(most_bytes), budget_(budget), client_(std::move(client)), fields_(std::move(fields)),
      checksum_(g_checksum_new(G_CHECKSUM_SHA256), g_checksum_free)
{
}

Upload::~Upload()
{
    budget_.give_back(client_, counted_);
}

std::optional<Problem> Upload::expect(const std::string &content_type,
                                      std::optional<std::uint64_t> declared_bytes)
{
    const std::string how = "Send multipart/form-data with the photo in a field named '" + fields_.file +
                            "', or the photo itself as image/jpeg, image/png, image/webp or "
                            "application/octet-stream.";
    if (declared_bytes == 0)
        return make_problem("file-missing", "The request has no photo.", how);
    const std::string type = parse_field_value(content_type).value;
    const bool is_form = type == "multipart/form-data";
    if (!is_form && !type.starts_with("image/") && type != "application/octet-stream")
        return make_problem("media-type",
                            type.empty() ? "The body has no Content-Type."
                                         : "A body of type '" + clean_text(type, most_shown_characters) +
                                               "' is not accepted.",
                            how);
    if (declared_bytes.value_or(0) > most_bytes_ + form_overhead_bytes + fields_.most_value_bytes)
        return too_large(*declared_bytes);
    if (is_form) {
        const auto boundary = MultipartReader::boundary_of(content_type);
        if (!boundary)
            return make_problem("multipart-invalid", "The form has no usable boundary.",
                                "Let your HTTP library write the Content-Type of the form.");
        FormParts &parts = *this;
        form_.emplace(*boundary, parts);
    }
    // Address space only: pages are touched as bytes arrive. Without it a growing vector copies.
    if (declared_bytes)
        file_.reserve(std::min(*declared_bytes, most_bytes_));
    return std::nullopt;
}

std::optional<Problem> Upload::feed(std::string_view data)
{
    fed_ += data.size();
    if (!form_) {
        has_file_ = true;
        return add_bytes(data);
    }
    if (fed_ > most_bytes_ + form_overhead_bytes + fields_.most_value_bytes)
        return too_large(fed_);
    if (form_->feed(data))
        return std::nullopt;
    if (!problem_)
        problem_ =
            make_problem("multipart-invalid", form_->fault(),
                         "Send multipart/form-data as RFC 7578 has it, with the photo in a field named '" +
                             fields_.file + "'.");
    return problem_;
}

bool Upload::refuse(Problem problem)
{
    problem_ = std::move(problem);
    return false;
}

Problem Upload::no_such_field(const PartHead &head) const
{
    const std::string name = clean_text(head.name, most_shown_characters);
    if (head.file_name)
        return make_problem("multipart-invalid", "There is no field '" + name + "' for a file.",
                            "The photo goes in '" + fields_.file + "': -F " + fields_.file + "=@photo.jpg");
    return *fields_.set(head.name, {});
}

bool Upload::begin_part(const PartHead &head)
{
    if (head.name.empty())
        return refuse(make_problem("multipart-invalid", "A part of the form has no name.",
                                   "Name it: Content-Disposition: form-data; name=\"" + fields_.file + "\""));
    field_ = head.name == fields_.file + "[]" ? fields_.file : head.name; // a list of one
    value_.clear();
    if (field_ != fields_.file)
        return fields_.has(head.name) || refuse(no_such_field(head));
    if (std::exchange(has_file_, true))
        return refuse(make_problem("multipart-invalid", "The form has more than one file.",
                                   "Send one photo a request."));
    if (head.file_name)
        file_name_ = clean_file_name(*head.file_name);
    return true;
}

bool Upload::part_data(std::string_view data)
{
    if (field_ == fields_.file) {
        auto problem = add_bytes(data);
        return !problem || refuse(*std::move(problem));
    }
    value_ += data;
    if (value_.size() <= fields_.most_value_bytes)
        return true;
    Problem problem = make_problem("option-invalid",
                                   "The value of '" + clean_text(field_, most_shown_characters) +
                                       "' is longer than any that is allowed.",
                                   "See /v1/limits for the options.");
    problem.limit = fields_.most_value_bytes;
    return refuse(problem);
}

bool Upload::end_part()
{
    if (field_ == fields_.file)
        return true;
    auto problem = fields_.set(field_, value_);
    return !problem || refuse(*std::move(problem));
}

Problem Upload::too_large(std::uint64_t actual) const
{
    Problem problem =
        make_problem("size-bytes", "The photo is larger than " + std::to_string(most_bytes_) + " bytes.",
                     "Make it smaller before you send it; 2000 pixels on the longest side are enough.");
    problem.limit = most_bytes_;
    problem.actual = actual;
    return problem;
}

std::optional<Problem> Upload::add_bytes(std::string_view data)
{
    if (file_.size() + data.size() > most_bytes_)
        return too_large(file_.size() + data.size());
    if (const auto limit = budget_.take(client_, data.size())) {
        Problem problem = make_problem(
            "uploads-full", "More uploads are under way than the service holds, of this client or of all.",
            "Try again in a moment.", 2);
        problem.limit = limit;
        return problem;
    }
    counted_ += data.size();
    file_.insert(file_.end(), data.begin(), data.end());
    g_checksum_update(checksum_.get(), reinterpret_cast<const guchar *>(data.data()),
                      static_cast<gssize>(data.size()));
    return std::nullopt;
}

std::optional<Problem> Upload::finish()
{
    if (problem_)
        return problem_;
    if (form_ && !form_->complete())
        return make_problem("multipart-invalid", "The form ends before its last boundary.",
                            "Send all of it: the last line is the boundary with two hyphens behind it.");
    if (!has_file_)
        return make_problem("file-missing", "The form has no photo.",
                            "Send the photo in a field named '" + fields_.file + "'.");
    if (file_.empty())
        return make_problem("file-empty", "The photo is empty (0 bytes).", "Choose another file.");
    sha256_ = g_checksum_get_string(checksum_.get());
    return std::nullopt;
}

std::shared_ptr<const Bytes> Upload::take_file()
{
    // The budget gets the bytes back when the last job lets go of them.
    const std::uint64_t counted = std::exchange(counted_, 0);
    file_.shrink_to_fit();
    return {new Bytes(std::move(file_)), [counted, client = client_, budget = &budget_](const Bytes *bytes) {
                budget->give_back(client, counted);
                delete bytes;
            }};
}

} // namespace anime::service
