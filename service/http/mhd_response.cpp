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

ssize_t read_base64(void *body, std::uint64_t position, char *out, std::size_t most)
{
    const std::size_t written = static_cast<const Base64Body *>(body)->read(position, out, most);
    return written ? static_cast<ssize_t>(written) : MHD_CONTENT_READER_END_OF_STREAM;
}

struct EventReader {
    MHD_Connection *connection;
    EventBody body;
    std::shared_ptr<Suspension> suspension;
    std::function<bool()> gone;
    std::string left; ///< of an event that did not fit

    static ssize_t read(void *self, std::uint64_t, char *out, std::size_t most)
    {
        auto &reader = *static_cast<EventReader *>(self);
        while (reader.left.empty()) {
            if (reader.gone())
                return MHD_CONTENT_READER_END_WITH_ERROR;
            auto next = reader.body.next();
            if (!next)
                return MHD_CONTENT_READER_END_OF_STREAM;
            reader.left = std::move(*next);
            if (reader.left.empty() && reader.suspension->sleep(reader.connection))
                return 0;
        }
        const std::size_t count = std::min(most, reader.left.size());
        std::memcpy(out, reader.left.data(), count);
        reader.left.erase(0, count);
        return static_cast<ssize_t>(count);
    }
};

struct ResponseMaker {
    MHD_Connection *connection;
    const std::shared_ptr<Suspension> &suspension;
    std::function<bool()> gone;

    MHD_Response *operator()(const std::string &body) const
    {
        return MHD_create_response_from_buffer(body.size(), const_cast<char *>(body.data()),
                                               MHD_RESPMEM_MUST_COPY);
    }
    MHD_Response *operator()(const SharedBody &body) const
    {
        return MHD_create_response_from_buffer_with_free_callback_cls(
            body.size, const_cast<void *>(body.data), delete_as<std::shared_ptr<const void>>,
            new std::shared_ptr<const void>(body.owner));
    }
    MHD_Response *operator()(const FileBody &body) const
    {
        return MHD_create_response_from_fd_at_offset64(body.size, body.descriptor, body.offset);
    }
    MHD_Response *operator()(const Base64Body &body) const
    {
        return MHD_create_response_from_callback(body.size(), block_bytes, read_base64, new Base64Body(body),
                                                 delete_as<Base64Body>);
    }
    MHD_Response *operator()(const EventBody &body) const
    {
        return MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, block_bytes, EventReader::read,
                                                 new EventReader{connection, body, suspension, gone, {}},
                                                 delete_as<EventReader>);
    }
};

struct BodySize {
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

int queue_response(MHD_Connection *connection, const Response &response,
                   const std::shared_ptr<Suspension> &suspension, std::function<bool()> gone)
{
    MHD_Response *made = std::visit(ResponseMaker{connection, suspension, std::move(gone)}, response.body);
    if (!made)
        return MHD_NO;
    for (const auto &[name, value] : response.headers)
        MHD_add_response_header(made, name.c_str(), value.c_str());
    const MHD_Result queued = MHD_queue_response(connection, static_cast<unsigned>(response.status), made);
    MHD_destroy_response(made);
    return queued;
}

} // namespace anime::service
