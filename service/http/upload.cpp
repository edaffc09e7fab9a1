// SPDX-License-Identifier: LGPL-2.1-or-later
#include "service/http/upload.h"

#include "service/text.h"

#include <microhttpd.h>

#include <algorithm>
#include <utility>

namespace anime::service
{

namespace
{

constexpr std::size_t most_option_bytes = 256;
/// Fields come from a form: a handful. The parser's buffer also bounds a part's headers.
constexpr std::size_t form_buffer_bytes = 8 << 10;

/// What a form may add to its photo: boundaries, part headers, options.
constexpr std::uint64_t form_overhead_bytes = 16 << 10;

Problem file_missing()
{
    return make_problem("file-missing", "The request has no photo.",
                        "Send multipart/form-data with the photo in a field named 'file', or the photo "
                        "itself as the body.");
}

Problem form_problem(const std::string &message)
{
    return make_problem("multipart-invalid", message,
                        "Send multipart/form-data with the photo in a field named 'file'.");
}

} // namespace

struct UploadCallback {
    static MHD_Result field(void *self, MHD_ValueKind, const char *key, const char *file_name, const char *,
                            const char *, const char *data, std::uint64_t offset, std::size_t size)
    {
        auto *upload = static_cast<Upload *>(self);
        const bool carried = upload->carrier_.carry(
            [&] { upload->problem_ = upload->add_field(key ? key : "", file_name, data, offset, size); });
        return carried && !upload->problem_ ? MHD_YES : MHD_NO;
    }
};

Upload::Upload(std::uint64_t most_bytes, ByteBudget &budget, std::string client, SetOption set_option)
    : most_bytes_(most_bytes), budget_(budget), client_(std::move(client)),
      set_option_(std::move(set_option)), checksum_(g_checksum_new(G_CHECKSUM_SHA256), g_checksum_free)
{
}

Upload::~Upload()
{
    if (form_)
        MHD_destroy_post_processor(form_);
    budget_.give_back(client_, counted_);
}

std::optional<Problem> Upload::expect(const std::string &content_type,
                                      std::optional<std::uint64_t> declared_bytes)
{
    if (declared_bytes == 0)
        return file_missing();
    const std::string type(trim(std::string_view(content_type).substr(0, content_type.find(';'))));
    is_form_ = g_ascii_strcasecmp(type.c_str(), "multipart/form-data") == 0;
    if (!is_form_ && g_ascii_strncasecmp(type.c_str(), "image/", 6) != 0 &&
        g_ascii_strcasecmp(type.c_str(), "application/octet-stream") != 0)
        return make_problem("media-type", "A body of type '" + clean_file_name(type) + "' is not accepted.",
                            "Send multipart/form-data with the photo in a field named 'file', or the photo "
                            "itself as image/jpeg, image/png, image/webp or application/octet-stream.");
    if (declared_bytes.value_or(0) > most_bytes_ + form_overhead_bytes)
        return too_large(*declared_bytes);
    // Address space only: pages are touched as bytes arrive. Without it a growing vector copies.
    if (declared_bytes)
        file_.reserve(std::min(*declared_bytes, most_bytes_));
    return std::nullopt;
}

bool Upload::start(MHD_Connection *connection)
{
    if (!is_form_)
        return true;
    form_ = MHD_create_post_processor(connection, form_buffer_bytes, UploadCallback::field, this);
    return form_ != nullptr;
}

std::optional<Problem> Upload::feed(const char *data, std::size_t size)
{
    if (!is_form_) {
        has_file_ = true;
        return add_bytes(data, size);
    }
    if (MHD_post_process(form_, data, size) == MHD_YES)
        return std::nullopt;
    carrier_.rethrow();
    return problem_ ? problem_ : form_problem("The form is malformed.");
}

std::optional<Problem> Upload::add_field(const std::string &name, const char *file_name, const char *data,
                                         std::uint64_t offset, std::size_t size)
{
    if (name.empty())
        return form_problem("A part of the form has no name.");
    // libmicrohttpd reports a part of whose value it has read no more than four bytes without any of them,
    // and again from its start once there are more.
    const bool reported = field_name_ == name && field_empty_;
    if (offset == 0 && !reported) {
        if (auto problem = end_field())
            return problem;
        if (name == "file" && has_file_)
            return form_problem("The form has more than one file.");
        field_name_ = name;
        field_empty_ = true;
    }
    field_empty_ = field_empty_ && size == 0;
    if (name != "file")
        return add_option_value(data, size);
    has_file_ = true;
    if (offset == 0 && file_name)
        file_name_ = clean_file_name(file_name);
    return add_bytes(data, size);
}

std::optional<Problem> Upload::add_option_value(const char *data, std::size_t size)
{
    option_value_.append(data, size);
    if (option_value_.size() > most_option_bytes)
        return make_problem("option-invalid",
                            "The value of '" + clean_file_name(field_name_) +
                                "' is longer than any that is allowed.",
                            "See /v1/limits for the options.");
    return std::nullopt;
}

std::optional<Problem> Upload::end_field()
{
    const std::string name = std::exchange(field_name_, {});
    const std::string value = std::exchange(option_value_, {});
    if (name.empty() || name == "file")
        return std::nullopt;
    return set_option_(name, value);
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

std::optional<Problem> Upload::add_bytes(const char *data, std::size_t size)
{
    if (file_.size() + size > most_bytes_)
        return too_large(file_.size() + size);
    if (const auto limit = budget_.take(client_, size)) {
        Problem problem = make_problem(
            "uploads-full", "More uploads are under way than the service holds, of this client or of all.",
            "Try again in a moment.", 2);
        problem.limit = limit;
        return problem;
    }
    counted_ += size;
    file_.insert(file_.end(), data, data + size);
    g_checksum_update(checksum_.get(), reinterpret_cast<const guchar *>(data), static_cast<gssize>(size));
    return std::nullopt;
}

std::optional<Problem> Upload::finish()
{
    if (form_) {
        const bool complete = MHD_destroy_post_processor(form_) == MHD_YES;
        form_ = nullptr;
        carrier_.rethrow();
        if (problem_)
            return problem_;
        if (!complete)
            return form_problem("The form ends before its last boundary.");
    }
    if (auto problem = end_field())
        return problem;
    if (!has_file_)
        return file_missing();
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
