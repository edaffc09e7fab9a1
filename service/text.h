// SPDX-License-Identifier: LGPL-2.1-or-later
// Small readers and writers of text that comes from clients: request ids, Prefer, times, file names.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace anime::service
{

/// Without the blanks and tabs at both ends.
std::string_view trim(std::string_view text);

/// What stands between its commas, without what is empty.
std::vector<std::string> split_list(const std::string &list);

/// 1 to 128 characters of A–Z a–z 0–9 . _ : -, so that an id can be logged, echoed and searched as it is.
bool valid_id(std::string_view id);

/// 32 hexadecimal digits from the system's random numbers: nobody guesses another one's job.
std::string random_id();

/// Seconds of `wait=N` in a Prefer header (RFC 7240), other preferences ignored; nothing if it isn't there or
/// is no number.
std::optional<int> prefer_wait(std::string_view header);

/// An option's or a field's name as JSON and environments have it: max-bytes becomes max_bytes.
std::string with_underscores(std::string name);

/// In hexadecimal digits.
std::string sha256(std::string_view data);

/// UTC as RFC 3339 with milliseconds.
std::string rfc3339(std::chrono::system_clock::time_point time);

/// Text from a client for logs and answers: valid UTF-8, no control characters, at most so many others.
std::string clean_text(std::string_view text, std::size_t most_characters);

/// The same of a file name: its last path component, at most 120 characters.
std::string clean_file_name(std::string_view name);

/// An ETag of the first 32 characters of a digest.
std::string quoted_tag(std::string_view digest);

/// Whether an If-None-Match header names `etag` (quoted) or is *.
bool etag_matches(std::string_view header, std::string_view etag);

/// Whether an Accept header asks for a picture before anything else: its first highest rating is an image
/// type.
bool prefers_picture(std::string_view header);

/// Of image types ("image/png"), the one that an Accept header rates highest, the first of equal ones; empty
/// if it takes none of them. Without a word about images it takes all.
std::string preferred_picture(std::string_view header, const std::vector<std::string> &types);

/// image/jpeg is jpg.
std::string extension_of(std::string_view media_type);

} // namespace anime::service
