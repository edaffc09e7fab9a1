// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/service/http_client.h"

#include <arpa/inet.h>
#include <glib.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <stdexcept>

namespace anime::service
{

namespace
{

constexpr int patience_ms = 60000;

std::string lower(std::string text)
{
    for (char &c : text)
        c = g_ascii_tolower(c);
    return text;
}

} // namespace

Client::Client(std::uint16_t port, int last) : socket_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0))
{
    sockaddr_in own{};
    own.sin_family = AF_INET;
    own.sin_addr.s_addr = htonl(0x7f000000u + static_cast<unsigned>(last));
    sockaddr_in server = own;
    server.sin_addr.s_addr = htonl(0x7f000001u);
    server.sin_port = htons(port);
    if (bind(socket_, reinterpret_cast<const sockaddr *>(&own), sizeof own) != 0 ||
        connect(socket_, reinterpret_cast<const sockaddr *>(&server), sizeof server) != 0)
        throw std::runtime_error("can't connect");
}

Client::~Client()
{
    if (socket_ >= 0)
        close(socket_);
}

void Client::leave(const std::string &last_words, bool reset)
{
    ::send(socket_, last_words.data(), last_words.size(), MSG_NOSIGNAL | MSG_MORE);
    const linger at_once{1, 0};
    if (reset)
        setsockopt(socket_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close(socket_);
    socket_ = -1;
}

bool Client::send(const std::string &bytes)
{
    std::size_t sent = 0;
    while (sent < bytes.size()) {
        const ssize_t n = ::send(socket_, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
        if (n <= 0)
            return false;
        sent += static_cast<std::size_t>(n);
    }
    return true;
}

bool Client::read_more()
{
    pollfd ready{socket_, POLLIN, 0};
    if (poll(&ready, 1, patience_ms) <= 0)
        return false;
    std::array<char, 65536> part{};
    const ssize_t n = recv(socket_, part.data(), part.size(), 0);
    if (n > 0)
        buffer_.append(part.data(), static_cast<std::size_t>(n));
    return n > 0;
}

bool Client::wait_for(const std::string &text)
{
    while (buffer_.find(text) == std::string::npos)
        if (!read_more())
            return false;
    return true;
}

bool Client::ends()
{
    pollfd ready{socket_, POLLIN, 0};
    while (poll(&ready, 1, patience_ms) > 0) {
        std::array<char, 4096> part{};
        if (recv(socket_, part.data(), part.size(), 0) <= 0)
            return true;
    }
    return false;
}

Answer Client::receive(bool to_head)
{
    Answer answer;
    if (!wait_for("\r\n\r\n"))
        return answer;
    const std::size_t head_end = buffer_.find("\r\n\r\n");
    std::string head = buffer_.substr(0, head_end + 2);
    buffer_.erase(0, head_end + 4);
    answer.status = std::atoi(head.substr(9, 3).c_str());
    for (std::size_t at = head.find("\r\n") + 2; at < head.size();) {
        const std::size_t end = head.find("\r\n", at);
        const std::string line = head.substr(at, end - at);
        const std::size_t colon = line.find(": ");
        answer.headers[lower(line.substr(0, colon))] = line.substr(colon + 2);
        at = end + 2;
    }
    if (answer.status == 100)
        return receive(to_head);
    if (to_head || answer.status == 304)
        return answer;
    if (answer.headers.contains("content-length")) {
        const std::size_t length = std::strtoul(answer.headers["content-length"].c_str(), nullptr, 10);
        while (buffer_.size() < length && read_more()) {
        }
        answer.body = buffer_.substr(0, length);
        buffer_.erase(0, length);
        return answer;
    }
    while (wait_for("\r\n")) {
        const std::size_t size = std::strtoul(buffer_.c_str(), nullptr, 16);
        const std::size_t start = buffer_.find("\r\n") + 2;
        while (buffer_.size() < start + size + 2 && read_more()) {
        }
        answer.body += buffer_.substr(start, size);
        buffer_.erase(0, start + size + 2);
        if (size == 0)
            break;
    }
    return answer;
}

Answer request(std::uint16_t port, const std::string &method, const std::string &path,
               const std::string &body, const std::map<std::string, std::string> &headers, int last)
{
    Client client(port, last);
    std::string text = method + " " + path + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n";
    for (const auto &[name, value] : headers)
        text += name + ": " + value + "\r\n";
    if (!body.empty())
        text += "Content-Length: " + std::to_string(body.size()) + "\r\n";
    client.send(text + "\r\n" + body);
    return client.receive(method == "HEAD");
}

std::string form(const std::string &photo, const std::map<std::string, std::string> &fields)
{
    std::string text;
    for (const auto &[name, value] : fields)
        text += "--edge\r\nContent-Disposition: form-data; name=\"" + name + "\"\r\n\r\n" + value + "\r\n";
    return text +
           "--edge\r\nContent-Disposition: form-data; name=\"file\"; filename=\"me.jpg\"\r\n"
           "Content-Type: image/jpeg\r\n\r\n" +
           photo + "\r\n--edge--\r\n";
}

} // namespace anime::service
