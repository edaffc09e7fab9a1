// SPDX-License-Identifier: LGPL-2.1-or-later
// Which pages of other origins may call the API (the Fetch standard, 3.2).
#pragma once

#include "service/http/exchange.h"

#include <string>
#include <vector>

namespace anime::service
{

class Cors
{
public:
    /// "*" for all; empty: none, and no header is ever sent.
    explicit Cors(std::vector<std::string> origins) : origins_(std::move(origins)) {}

    /// Whether a browser asks what its page may do at this address.
    static bool is_preflight(const RequestHead &head);
    /// The answer to that; `methods` are what can be done there.
    Response preflight(const std::string &methods) const;
    /// Lets the page see the answer, if it may.
    void add_headers(const RequestHead &head, Response &response) const;

private:
    const std::vector<std::string> origins_;
};

} // namespace anime::service
