// SPDX-License-Identifier: LGPL-2.1-or-later
// A request's body as it arrives: a multipart form or the bare photo, never more of it than is allowed.
#pragma once

#include "service/http/multipart.h"
#include "service/picture.h"
#include "service/problem.h"
#include "service/results/byte_budget.h"

#include <glib.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace anime::service
{

/// The fields of a form beside the photo.
struct FormFields {
    std::string file = "file"; ///< the field that the photo is in
    std::size_t most_value_bytes = 256;
    /// What another field is; a problem if it may not be.
    std::function<std::optional<Problem>(const std::string &name, const std::string &value)> set;
    std::function<bool(const std::string &name)> has; ///< whether there is such a field
};

class Upload final : private FormParts
{
public:
    /// `budget` outlives the upload and the bytes it hands out; they count for `client`, a rate_key.
    Upload(std::uint64_t most_bytes, ByteBudget &budget, std::string client, FormFields fields);
    ~Upload() override;
    Upload(const Upload &) = delete;
    Upload &operator=(const Upload &) = delete;

    /// What a body of this Content-Type is read as; a problem if it is neither a form nor an image, or too
    /// large. `declared_bytes`: nothing if it comes in chunks.
    std::optional<Problem> expect(const std::string &content_type,
                                  std::optional<std::uint64_t> declared_bytes);

    std::optional<Problem> feed(std::string_view data);
    /// The body is complete.
    std::optional<Problem> finish();

    // After finish().
    std::shared_ptr<const Bytes> take_file();
    const std::string &file_name() const { return file_name_; }
    const std::string &sha256() const { return sha256_; }

private:
    bool begin_part(const PartHead &head) override;
    bool part_data(std::string_view data) override;
    bool end_part() override;
    bool refuse(Problem problem);
    Problem no_such_field(const PartHead &head) const;
    Problem too_large(std::uint64_t actual) const;
    std::optional<Problem> add_bytes(std::string_view data);

    const std::uint64_t most_bytes_;
    ByteBudget &budget_;
    const std::string client_;
    const FormFields fields_;
    const std::unique_ptr<GChecksum, decltype(&g_checksum_free)> checksum_;
    std::optional<MultipartReader> form_;
    bool has_file_ = false;
    std::string field_;              ///< that is arriving
    std::string value_;              ///< of it, if it isn't the photo
    std::optional<Problem> problem_; ///< from within the form
    std::uint64_t fed_ = 0;
    Bytes file_;
    std::uint64_t counted_ = 0; ///< bytes taken from the budget
    std::string file_name_;
    std::string sha256_;
};

} // namespace anime::service
