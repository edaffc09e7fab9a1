// SPDX-License-Identifier: LGPL-2.1-or-later
#include "service/api/api_keys.h"

#include "service/text.h"

#include <glib.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <set>
#include <sstream>
#include <stdexcept>

namespace anime::service
{

namespace
{

constexpr std::size_t most_keys = 10000;

bool is_sha256(const std::string &text)
{
    return text.size() == 64 &&
           std::all_of(text.begin(), text.end(), [](char c) { return g_ascii_isxdigit(c); });
}

/// Every character is looked at, so that the time tells nothing of where they differ.
bool equal(const std::string &a, const std::string &b)
{
    unsigned difference = a.size() == b.size() ? 0 : 1;
    for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i)
        difference |= static_cast<unsigned char>(a[i] ^ b[i]);
    return difference == 0;
}

std::int64_t number_after(const std::string &field, std::string_view name)
{
    std::int64_t number = 0;
    const char *begin = field.data() + name.size();
    const char *end = field.data() + field.size();
    const auto [stopped, error] = std::from_chars(begin, end, number);
    if (error != std::errc{} || stopped != end || number < 1 || number > 1000000)
        throw std::runtime_error("'" + field + "' is no number from 1 to 1000000");
    return number;
}

/// Throws std::runtime_error without the line's number.
ApiKey parse_line(const std::string &line, std::int64_t rate, std::int64_t burst)
{
    std::istringstream fields(line);
    ApiKey key;
    fields >> key.name >> key.sha256;
    if (!valid_id(key.name))
        throw std::runtime_error("the name is not of 1 to 128 letters, digits and . _ : -");
    if (!is_sha256(key.sha256))
        throw std::runtime_error(
            "no SHA-256 of 64 hexadecimal digits follows the name (printf %s KEY | sha256sum)");
    for (char &c : key.sha256)
        c = g_ascii_tolower(c);
    for (std::string field; fields >> field;) {
        if (field.starts_with("rate="))
            key.rate = number_after(field, "rate=");
        else if (field.starts_with("share="))
            key.share = static_cast<std::size_t>(number_after(field, "share="));
        else
            throw std::runtime_error("'" + field + "' is neither rate= nor share=");
    }
    const std::int64_t own = key.rate > 0 ? key.rate : rate;
    key.limiter =
        std::make_unique<RateLimiter>(static_cast<double>(own), static_cast<double>(std::max(own, burst)));
    return key;
}

} // namespace

ApiKeys::ApiKeys(std::string file, std::int64_t rate, std::int64_t burst)
    : file_(std::move(file)), rate_(rate), burst_(burst), keys_(std::make_shared<const Keys>())
{
    reload();
}

void ApiKeys::reload()
{
    if (!needed())
        return;
    auto keys = std::make_shared<const Keys>(read());
    const std::lock_guard guard(lock_);
    keys_ = std::move(keys);
}

ApiKeys::Keys ApiKeys::read() const
{
    std::ifstream file(file_);
    if (!file)
        throw std::runtime_error("--api-keys: " + file_ + ": " + std::strerror(errno));
    Keys keys;
    std::set<std::string> names;
    std::size_t number = 0;
    for (std::string line; std::getline(file, line);) {
        ++number;
        const std::string text(trim(std::string_view(line).substr(0, line.find('#'))));
        if (text.empty())
            continue;
        const std::string where = "--api-keys: " + file_ + ", line " + std::to_string(number) + ": ";
        try {
            keys.push_back(std::make_shared<const ApiKey>(parse_line(text, rate_, burst_)));
        } catch (const std::runtime_error &error) {
            throw std::runtime_error(where + error.what());
        }
        if (!names.insert(keys.back()->name).second)
            throw std::runtime_error(where + "there is a key named " + keys.back()->name + " already");
        if (keys.size() > most_keys)
            throw std::runtime_error(where + "more than " + std::to_string(most_keys) + " keys");
    }
    return keys;
}

std::string ApiKeys::of(const RequestHead &head)
{
    const std::string authorization = head.header("authorization");
    static constexpr std::string_view scheme = "bearer ";
    if (g_ascii_strncasecmp(authorization.c_str(), scheme.data(), scheme.size()) == 0)
        return std::string(trim(std::string_view(authorization).substr(scheme.size())));
    return head.header("x-api-key");
}

std::shared_ptr<const ApiKey> ApiKeys::find(const std::string &key) const
{
    std::shared_ptr<const Keys> keys;
    {
        const std::lock_guard guard(lock_);
        keys = keys_;
    }
    const std::string digest = sha256(key);
    std::shared_ptr<const ApiKey> found;
    for (const auto &known : *keys)
        if (equal(known->sha256, digest))
            found = known;
    return found;
}

} // namespace anime::service
