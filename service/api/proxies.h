// SPDX-License-Identifier: LGPL-2.1-or-later
// Whom a request comes from, when a proxy stands in front.
#pragma once

#include <gio/gio.h>

#include <memory>
#include <string>
#include <vector>

namespace anime::service
{

struct ObjectUnref {
    void operator()(gpointer object) const { g_object_unref(object); }
};

class TrustedProxies
{
public:
    /// Addresses and CIDR ranges. Throws std::runtime_error naming the one that is neither.
    explicit TrustedProxies(const std::vector<std::string> &ranges);

    bool trusts(const std::string &address) const;

    /// `peer`, or if that is trusted the last address of X-Forwarded-For that isn't, as canonical_address()
    /// writes it; what stands before it was written by the client.
    std::string client_of(const std::string &peer, const std::string &forwarded_for) const;

private:
    std::vector<std::unique_ptr<GInetAddressMask, ObjectUnref>> ranges_;
};

} // namespace anime::service
