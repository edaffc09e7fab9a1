// SPDX-License-Identifier: LGPL-2.1-or-later
// The file is a sequence of records, each a head and its data, in the byte order of the machine that goes on
// with it.
#include "pipelines/film/journal.h"

#include "pipelines/film/problem.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <fcntl.h>
#include <sstream>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>
#include <zlib.h>

namespace fs = std::filesystem;

namespace anime
{

namespace
{

enum Kind : std::uint32_t {
    terms_kind = 0x31414e41, ///< "ANA1": also what such a file begins with
    caps_kind,
    picture_kind,
    first_picture_kind, ///< one at which a decoder may begin
    end_kind
};

struct Head {
    std::uint32_t kind = 0;
    std::uint32_t size = 0; ///< of the data behind it
    std::int64_t shown_at = 0;
    std::int64_t decoded_at = 0;
    std::int64_t duration = 0;
    std::uint32_t sum = 0; ///< CRC-32 of the head before it and of the data
    std::uint32_t unused = 0;
};
static_assert(sizeof(Head) == 40, "no gaps whose bytes would be written");

/// No encoder makes a picture of that size, and no damaged head gets more memory.
constexpr std::uint32_t most_data = 256U << 20;

std::uint32_t sum_of(const Head &head, const void *data)
{
    uLong sum = crc32(0, reinterpret_cast<const Bytef *>(&head), offsetof(Head, sum));
    if (head.size > 0) // for no data zlib starts anew
        sum = crc32(sum, static_cast<const Bytef *>(data), head.size);
    return static_cast<std::uint32_t>(sum);
}

std::error_code last_error()
{
    return {errno, std::generic_category()};
}

bool read_all(int descriptor, void *to, std::size_t size, std::uint64_t at)
{
    auto *bytes = static_cast<char *>(to);
    while (size > 0) {
        const ssize_t got = pread(descriptor, bytes, size, static_cast<off_t>(at));
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        bytes += got;
        size -= static_cast<std::size_t>(got);
        at += static_cast<std::uint64_t>(got);
    }
    return true;
}

std::string text_of(const JournalTerms &terms)
{
    std::string text;
    for (const auto &[name, value] : terms)
        text.append(name).append("=").append(value).append("\n");
    return text;
}

[[noreturn]] void refuse(const fs::path &file, const std::string &why)
{
    throw PipelineError(
        problem("film-resume-refused",
                "The painting kept in " + file.string() + " can't be gone on with: " + why + ".",
                "Give the film and the options that it was begun with, or paint the film anew, "
                "without --resume."));
}

} // namespace

/// What lies at one place of the file.
struct Journal::Record {
    enum class State {
        whole,
        cut_off, ///< the file ends in it
        rotten
    };
    State state = State::cut_off;
    Head head = {};
    std::vector<std::uint8_t> data = {};

    Record(int descriptor, std::uint64_t at, std::uint64_t length)
    {
        if (at + sizeof head > length)
            return;
        state = State::rotten;
        if (!read_all(descriptor, &head, sizeof head, at) || head.kind < terms_kind || head.kind > end_kind ||
            head.size > most_data)
            return;
        if (head.size > length - at - sizeof head) {
            state = State::cut_off;
            return;
        }
        data.resize(head.size);
        if (read_all(descriptor, data.data(), data.size(), at + sizeof head) &&
            sum_of(head, data.data()) == head.sum)
            state = State::whole;
    }
    bool whole() const { return state == State::whole; }
    std::uint64_t size() const { return sizeof head + head.size; }
    std::string text() const { return {data.begin(), data.end()}; }
};

namespace
{

fs::path hidden(const fs::path &output, const char *end)
{
    std::string name = ".";
    name.append(output.filename().string()).append(end);
    return output.parent_path() / name;
}

} // namespace

fs::path journal_of(const fs::path &output)
{
    return hidden(output, ".unfinished");
}

fs::path joined_of(const fs::path &output)
{
    return hidden(output, ".joined");
}

Journal::Journal(fs::path file, const JournalTerms &terms, bool resume)
    : file_(std::move(file)), keep_(resume)
{
    open();
    try {
        if (resume)
            go_on(terms);
        else
            begin(terms);
    } catch (...) {
        close(descriptor_);
        throw;
    }
}

Journal::~Journal()
{
    std::error_code removed;
    if (!keep_ || pictures_ == 0)
        fs::remove(file_, removed);
    close(descriptor_);
}

/// Opens and locks it. Whoever had it before may remove it between the two, and then it is opened again.
void Journal::open()
{
    const auto unwritable = [&](const std::error_code &error) {
        return PipelineError(problem(
            "output-unwritable", "The file " + file_.string() + " can't be written: " + error.message() + ".",
            "The painting is kept in it until the film is whole: free space, or write "
            "into a folder that you may write to."));
    };
    for (;;) {
        descriptor_ = ::open(file_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
        if (descriptor_ < 0)
            throw unwritable(last_error());
        const bool locked = flock(descriptor_, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK;
        struct stat mine = {};
        struct stat named = {};
        const bool same = fstat(descriptor_, &mine) == 0 && stat(file_.c_str(), &named) == 0 &&
                          mine.st_dev == named.st_dev && mine.st_ino == named.st_ino;
        if (locked && same)
            return;
        close(descriptor_);
        if (!locked)
            throw PipelineError(
                problem("film-busy",
                        "Another program is painting into the same output; it has " + file_.string() + ".",
                        "Wait for it, or name another output."));
    }
}

void Journal::begin(const JournalTerms &terms)
{
    caps_.clear();
    latest_ = -1;
    cut(0);
    const std::string text = text_of(terms);
    if (const std::error_code error = append(terms_kind, {}, text.data(), text.size()))
        throw PipelineError(problem(
            "output-unwritable", "The file " + file_.string() + " can't be written: " + error.message() + ".",
            "Free some space on its disk."));
}

void Journal::go_on(const JournalTerms &terms)
{
    const auto length = static_cast<std::uint64_t>(lseek(descriptor_, 0, SEEK_END));
    const Record first(descriptor_, 0, length);
    if (first.state == Record::State::cut_off)
        return begin(terms); // it ended before it had a picture
    if (!first.whole() || first.head.kind != terms_kind)
        refuse(file_, "its beginning is damaged");
    compare(first.text(), terms);

    // All pictures before the last one at which a decoder may begin are there; of those behind it some may be
    // missing, because they are not encoded in the order in which they are shown.
    std::uint64_t end = first.size();
    std::uint64_t pictures = 0;
    std::int64_t latest = -1;
    std::string caps;
    std::uint64_t at = end;
    for (;;) {
        const Record record(descriptor_, at, length);
        if (!record.whole())
            break;
        if (record.head.kind == caps_kind)
            caps = record.text();
        if (record.head.kind == first_picture_kind || record.head.kind == end_kind) {
            end = at;
            pictures_ = pictures;
            latest_ = latest;
            caps_ = caps;
        }
        if (record.head.kind == end_kind) {
            complete_ = true;
            end = at + record.size();
            break;
        }
        if (record.head.kind == picture_kind || record.head.kind == first_picture_kind) {
            ++pictures;
            latest = std::max(latest, record.head.shown_at);
        }
        at += record.size();
    }
    if (pictures_ == 0)
        return begin(terms);
    pictures_before_ = pictures_;
    cut(end);
}

void Journal::compare(const std::string &terms, const JournalTerms &now) const
{
    std::istringstream in(terms);
    for (const auto &[name, value] : now) {
        std::string line;
        std::getline(in, line);
        const std::string key = name + '=';
        if (!line.starts_with(key))
            refuse(file_, "another version of this program has begun it");
        const std::string before = line.substr(key.size());
        if (before != value)
            refuse(file_, "its " + name + " was " + before + ", and now it is " + value);
    }
}

void Journal::cut(std::uint64_t length)
{
    end_ = length;
    if (ftruncate(descriptor_, static_cast<off_t>(length)) != 0)
        throw PipelineError(
            problem("output-unwritable",
                    "The file " + file_.string() + " can't be written: " + last_error().message() + "."));
}

/// Written at once and without a buffer of our own, so that it stays if the program is killed.
std::error_code Journal::append(std::uint32_t kind, const CodedPicture &times, const void *data,
                                std::size_t size)
{
    if (size > most_data)
        return std::make_error_code(std::errc::file_too_large);
    Head head = {kind, static_cast<std::uint32_t>(size), times.shown_at, times.decoded_at, times.duration, 0,
                 0};
    head.sum = sum_of(head, data);
    const std::size_t all = sizeof head + size;
    for (std::size_t done = 0; done < all;) {
        const std::size_t behind = std::max(done, sizeof head) - sizeof head;
        const std::size_t of_head = done < sizeof head ? sizeof head - done : 0;
        const std::array<iovec, 2> parts = {
            {{reinterpret_cast<char *>(&head) + sizeof head - of_head, of_head},
             {const_cast<char *>(static_cast<const char *>(data)) + behind, size - behind}}};
        const ssize_t wrote = pwritev(descriptor_, parts.data(), 2, static_cast<off_t>(end_ + done));
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote < 0)
            return last_error();
        done += static_cast<std::size_t>(wrote);
    }
    end_ += all;
    return {};
}

std::error_code Journal::write_caps(const GstCaps *caps)
{
    const StringPtr text(gst_caps_to_string(caps));
    if (caps_ == text.get())
        return {};
    caps_ = text.get();
    return append(caps_kind, {}, caps_.data(), caps_.size());
}

std::error_code Journal::write(const CodedPicture &picture)
{
    const MappedBuffer mapped(picture.data.get(), GST_MAP_READ);
    if (!mapped)
        return std::make_error_code(std::errc::not_enough_memory);
    if (const std::error_code error =
            append(picture.begins ? first_picture_kind : picture_kind, picture, mapped.data(), mapped.size()))
        return error;
    ++pictures_;
    latest_ = std::max(latest_, picture.shown_at);
    return {};
}

std::error_code Journal::write_end()
{
    complete_ = true;
    return append(end_kind, {}, "", 0);
}

void Journal::rewind()
{
    cursor_ = 0;
}

CodedPicture Journal::read()
{
    CodedPicture picture;
    for (;;) {
        const Record record(descriptor_, cursor_, end_);
        if (!record.whole() || record.head.kind == end_kind)
            return picture;
        cursor_ += record.size();
        if (record.head.kind == caps_kind)
            picture.caps.reset(gst_caps_from_string(record.text().c_str()));
        if (record.head.kind != picture_kind && record.head.kind != first_picture_kind)
            continue;
        picture.shown_at = record.head.shown_at;
        picture.decoded_at = record.head.decoded_at;
        picture.duration = record.head.duration;
        picture.begins = record.head.kind == first_picture_kind;
        picture.data.reset(gst_buffer_new_memdup(record.data.data(), record.data.size()));
        return picture;
    }
}

} // namespace anime
