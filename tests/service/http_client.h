// SPDX-License-Identifier: LGPL-2.1-or-later
// A client that can also misbehave: raw bytes over a socket, answers taken apart.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

namespace anime::service
{

struct Answer {
    int status = 0;                             ///< 0: none came
    std::map<std::string, std::string> headers; ///< names in lower case
    std::string body;                           ///< chunks put together
};

class Client
{
public:
    /// From 127.0.0.`last`, so that a test can be several clients.
    explicit Client(std::uint16_t port, int last = 1);
    ~Client();
    Client(const Client &) = delete;
    Client &operator=(const Client &) = delete;

    /// False once the server has closed the connection.
    bool send(const std::string &bytes);
    /// Reads one answer, or as much as comes before the connection ends or 15 s pass.
    Answer receive(bool to_head = false);
    /// Waits until the text appears in what was received since the last answer.
    bool wait_for(const std::string &text);
    /// True if the server ends the connection within 15 s.
    bool ends();
    /// Closes the connection; `last_words` and its end reach the server in one segment. `reset`: with a RST,
    /// as a client that crashed does, which leaves the last words unsent.
    void leave(const std::string &last_words, bool reset);

private:
    bool read_more();
    int socket_ = -1;
    std::string buffer_;
};

/// One request on a connection of its own.
Answer request(std::uint16_t port, const std::string &method, const std::string &path,
               const std::string &body = {}, const std::map<std::string, std::string> &headers = {},
               int last = 1);

/// A multipart form with `photo` as the file, and its Content-Type.
std::string form(const std::string &photo, const std::map<std::string, std::string> &fields = {});
inline constexpr const char *form_type = "multipart/form-data; boundary=edge";

} // namespace anime::service
