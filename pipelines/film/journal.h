// SPDX-License-Identifier: LGPL-2.1-or-later
// The painted and encoded pictures of a film on their way to its output: a file beside that, to which each is
// added as it comes. Whatever ends the program, the file is whole up to some picture, so that painting can go
// on behind the last picture at which a decoder may begin. A container would do for that too, but Matroska
// rounds times to a millisecond and keeps no decoding times, and MP4 can't be read before it is finished.
#pragma once

#include "elements/common/gst_raii.h"

#include <cstdint>
#include <filesystem>
#include <limits>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace anime
{

/// One encoded picture. Times in ns of the film's running time; a decoding time may be negative.
struct CodedPicture {
    static constexpr std::int64_t no_time = std::numeric_limits<std::int64_t>::min();
    std::int64_t shown_at = no_time;
    std::int64_t decoded_at = no_time;
    std::int64_t duration = no_time;
    bool begins = false; ///< a decoder may begin here, and needs nothing before it for all that follows
    BufferPtr data = {};
    CapsPtr caps = {}; ///< where they differ from those of the picture before
};

/// What painting depends on, by names that a user understands. Painting goes on only where all of it is the
/// same.
using JournalTerms = std::vector<std::pair<std::string, std::string>>;

/// Where the journal of this output lies: ".painted.mp4.unfinished".
std::filesystem::path journal_of(const std::filesystem::path &output);

/// What it is joined into, before that takes its name: ".painted.mp4.joined". Whoever has the journal may
/// write it.
std::filesystem::path joined_of(const std::filesystem::path &output);

/// Written by one thread and, when that is done, read by another. No other process can have it at the same
/// time.
class Journal
{
public:
    /// Begins a journal, or with `resume` goes on with the one that is there and keeps it in the end. Throws
    /// PipelineError: film-busy, film-resume-refused, output-unwritable.
    Journal(std::filesystem::path file, const JournalTerms &terms, bool resume);
    /// Removes it, unless it is to be gone on with and has something in it.
    ~Journal();
    Journal(const Journal &) = delete;
    Journal &operator=(const Journal &) = delete;

    std::uint64_t pictures() const { return pictures_; }
    /// Those that were there when it was opened.
    std::uint64_t pictures_before() const { return pictures_before_; }
    /// When the last of them is shown; -1: there is none.
    std::int64_t latest() const { return latest_; }
    /// Are all pictures of the film in it?
    bool is_complete() const { return complete_; }
    /// Of the last picture; empty: there is none.
    const std::string &caps() const { return caps_; }

    std::error_code write_caps(const GstCaps *caps);
    std::error_code write(const CodedPicture &picture);
    std::error_code write_end();

    /// The next read() gives the first picture.
    void rewind();
    /// Null data: there is no more.
    CodedPicture read();

    /// The destructor removes it whatever is in it.
    void drop() { keep_ = false; }

private:
    struct Record;
    void open();
    void begin(const JournalTerms &terms);
    void go_on(const JournalTerms &terms);
    void compare(const std::string &terms, const JournalTerms &now) const;
    void cut(std::uint64_t length);
    std::error_code append(std::uint32_t kind, const CodedPicture &times, const void *data, std::size_t size);

    std::filesystem::path file_;
    int descriptor_ = -1;
    bool keep_;
    bool complete_ = false;
    std::uint64_t pictures_ = 0;
    std::uint64_t pictures_before_ = 0;
    std::int64_t latest_ = -1;
    std::string caps_;
    std::uint64_t end_ = 0;    ///< of what is written
    std::uint64_t cursor_ = 0; ///< of what is read
};

} // namespace anime
