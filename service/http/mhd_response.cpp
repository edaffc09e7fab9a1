// SPDX-License-Identifier: LGPL-2.1-or-later
#include "service/http/mhd_response.h"

#include <microhttpd.h>

#include <algorithm>
#include <cstring>

namespace anime::service
{

namespace
{

constexpr std::size_t block_bytes = 16 << 10;

template <typename T>
void delete_as(void *pointer)
{
    delete static_cast<T *>(pointer);
}

/// libmicrohttpd frees `context` with the answer that it made of it, and only if it made one.
template <typename T, typename Make>
MHD_Response *made_with(std::unique_ptr<T> context, Make make)
{
    MHD_Response *response = make(context.get());
    if (response)
        context.release();
    return response;
}

struct Base64Reader {
    Base64Body body;
    Complain complain;

    static ssize_t read(void *self, std::uint64_t position, char *out, std::size_t most)
    {
        auto &reader = *static_cast<Base64Reader *>(self);
        return behind_wall("a picture's answer", reader.complain, ssize_t{MHD_CONTENT_READER_END_WITH_ERROR},
                           [&]() -> ssize_t {
                               const std::size_t written = reader.body.read(position, out, most);
                               return written ? static_cast<ssize_t>(written)
                                              : MHD_CONTENT_READER_END_OF_STREAM;
                           });
    }
};

struct EventReader {
    MHD_Connection *connection;
    EventBody body;
    Sending sending;
    std::string left = {}; ///< of an event that did not fit

    static ssize_t read(void *self, std::uint64_t, char *out, std::size_t most)
    {
        auto &reader = *static_cast<EventReader *>(self);
        return behind_wall("an answer of events", reader.sending.complain,
                           ssize_t{MHD_CONTENT_READER_END_WITH_ERROR},
                           [&] { return reader.read_some(out, most); });
    }

    ssize_t read_some(char *out, std::size_t most)
    {
        while (left.empty()) {
            if (sending.gone())
                return MHD_CONTENT_READER_END_WITH_ERROR;
            auto next = body.next();
            if (!next)
                return MHD_CONTENT_READER_END_OF_STREAM;
            left = std::move(*next);
            if (left.empty() && sending.suspension->sleep(connection))
                return 0;
        }
        const std::size_t count = std::min(most, left.size());
        std::memcpy(out, left.data(), count);
        left.erase(0, count);
        return static_cast<ssize_t>(count);
    }
};

/// Of a body that is never sent.
ssize_t read_nothing(void *, std::uint64_t, char *, std::size_t)
{
    return MHD_CONTENT_READER_END_WITH_ERROR;
}

struct ResponseMaker {
    MHD_Connection *connection;
    Sending sending;

    MHD_Response *operator()(const AbsentBody &body) const
    {
        return MHD_create_response_from_callback(body.size, block_bytes, read_nothing, nullptr, nullptr);
    }

    MHD_Response *operator()(const std::string &body) const
    {
        return MHD_create_response_from_buffer(body.size(), const_cast<char *>(body.data()),
                                               MHD_RESPMEM_MUST_COPY);
    }
    MHD_Response *operator()(const SharedBody &body) const
    {
        using Owner = std::shared_ptr<const void>;
        return made_with(std::make_unique<Owner>(body.owner), [&](Owner *owner) {
            return MHD_create_response_from_buffer_with_free_callback_cls(
                body.size, const_cast<void *>(body.data), delete_as<Owner>, owner);
        });
    }
    MHD_Response *operator()(FileBody &body) const
    {
        MHD_Response *made = MHD_create_response_from_fd_at_offset64(body.size, body.file.get(), body.offset);
        if (made)
            body.file.release(); // it closes it
        return made;
    }
    MHD_Response *operator()(const Base64Body &body) const
    {
        return made_with(
            std::make_unique<Base64Reader>(Base64Reader{body, sending.complain}), [&](Base64Reader *reader) {
                return MHD_create_response_from_callback(body.size(), block_bytes, Base64Reader::read, reader,
                                                         delete_as<Base64Reader>);
            });
    }
    MHD_Response *operator()(const EventBody &body) const
    {
        return made_with(
            std::make_unique<EventReader>(EventReader{connection, body, sending}), [](EventReader *reader) {
                return MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, block_bytes, EventReader::read,
                                                         reader, delete_as<EventReader>);
            });
    }
};

struct BodySize {
    std::uint64_t operator()(const AbsentBody &) const { return 0; }
    std::uint64_t operator()(const std::string &body) const { return body.size(); }
    std::uint64_t operator()(const SharedBody &body) const { return body.size; }
    std::uint64_t operator()(const FileBody &body) const { return body.size; }
    std::uint64_t operator()(const Base64Body &body) const { return body.size(); }
    std::uint64_t operator()(const EventBody &) const { return 0; }
};

} // namespace

std::uint64_t body_size(const Response &response)
{
    return std::visit(BodySize{}, response.body);
}

int queue_response(MHD_Connection *connection, Response &&response, Sending sending)
{
    const std::unique_ptr<MHD_Response, decltype(&MHD_destroy_response)> made(
        std::visit(ResponseMaker{connection, std::move(sending)}, response.body), MHD_destroy_response);
    if (!made)
        return MHD_NO;
    for (const auto &[name, value] : response.headers)
        MHD_add_response_header(made.get(), name.c_str(), value.c_str());
    return MHD_queue_response(connection, static_cast<unsigned>(response.status), made.get());
}

} // namespace anime::service
