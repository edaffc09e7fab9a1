// SPDX-License-Identifier: LGPL-2.1-or-later
// A request's body as it arrives: a multipart form or the bare photo, never more of it than is allowed.
#pragma once

#include "service/byte_budget.h"
#include "service/http/wall.h"
#include "service/picture.h"
#include "service/problem.h"

#include <glib.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

struct MHD_Connection;
struct MHD_PostProcessor;

namespace anime::service
{

/// What a field of a form other than `file` does; a problem if it may not be.
using SetOption = std::function<std::optional<Problem>(const std::string &name, const std::string &value)>;

class Upload
{
public:
    /// `budget` outlives the upload and the bytes it hands out; they count for `client`, a rate_key.
    Upload(std::uint64_t most_bytes, ByteBudget &budget, std::string client, SetOption set_option);
    ~Upload();
    Upload(const Upload &) = delete;
    Upload &operator=(const Upload &) = delete;

    /// What a body of this Content-Type is read as; a problem if it is neither a form nor an image, or too
    /// large. `declared_bytes`: nothing if it comes in chunks.
    std::optional<Problem> expect(const std::string &content_type,
                                  std::optional<std::uint64_t> declared_bytes);
    /// Creates the parser of a form; false if the form has no usable boundary.
    bool start(MHD_Connection *connection);

    std::optional<Problem> feed(const char *data, std::size_t size);
    /// The body is complete.
    std::optional<Problem> finish();

    // After finish().
    std::shared_ptr<const Bytes> take_file();
    const std::string &file_name() const { return file_name_; }
    const std::string &sha256() const { return sha256_; }
    std::uint64_t file_bytes() const { return file_.size(); }

private:
    friend struct UploadCallback;
    std::optional<Problem> add_field(const std::string &name, const char *file_name, const char *data,
                                     std::uint64_t offset, std::size_t size);
    std::optional<Problem> add_option_value(const char *data, std::size_t size);
    Problem too_large(std::uint64_t actual) const;
    std::optional<Problem> add_bytes(const char *data, std::size_t size);
    std::optional<Problem> end_field();

    const std::uint64_t most_bytes_;
    ByteBudget &budget_;
    const std::string client_;
    const SetOption set_option_;
    const std::unique_ptr<GChecksum, decltype(&g_checksum_free)> checksum_;
    MHD_PostProcessor *form_ = nullptr;
    bool is_form_ = false;
    bool has_file_ = false;
    std::string field_name_; ///< of the form field that is arriving
    bool field_empty_ = true;
    std::string option_value_;
    std::optional<Problem> problem_; ///< from within the form's parser
    Carrier carrier_;                ///< the same for exceptions
    Bytes file_;
    std::uint64_t counted_ = 0; ///< bytes taken from the budget
    std::string file_name_;
    std::string sha256_;
};

} // namespace anime::service
