// SPDX-License-Identifier: LGPL-2.1-or-later
// Who may paint where not everybody may. The file has one key a line, by its SHA-256, so that who reads it
// learns none:
//     NAME SHA256 [rate=UPLOADS_A_MINUTE] [share=JOBS_AT_ONCE]
#pragma once

#include "service/api/rate_limiter.h"
#include "service/http/exchange.h"

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace anime::service
{

struct ApiKey {
    std::string name; ///< in logs and metrics
    std::string sha256;
    std::int64_t rate = 0; ///< 0: --rate
    std::size_t share = 0; ///< unfinished jobs; 0: a quarter of --queue-size
    std::unique_ptr<RateLimiter> limiter;
};

class ApiKeys
{
public:
    /// Reads `file`; empty: nobody needs a key. Throws std::runtime_error with the line that is wrong.
    ApiKeys(std::string file, std::int64_t rate, std::int64_t burst);

    bool needed() const { return !file_.empty(); }
    /// Reads the file again. Throws as the constructor does, and then keeps the keys that it had.
    void reload();
    /// The key of a request (Authorization: Bearer, or X-API-Key); empty if it has none.
    static std::string of(const RequestHead &head);
    /// Null if there is no such key. Takes the same time whichever it is.
    std::shared_ptr<const ApiKey> find(const std::string &key) const;

private:
    using Keys = std::vector<std::shared_ptr<const ApiKey>>;
    Keys read() const;

    const std::string file_;
    const std::int64_t rate_;
    const std::int64_t burst_;
    mutable std::mutex lock_; // protects what follows: SIGHUP is handled in the main thread
    std::shared_ptr<const Keys> keys_;
};

} // namespace anime::service
