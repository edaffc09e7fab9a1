// SPDX-License-Identifier: LGPL-2.1-or-later
// The operator's address: /metrics, and health that answers however busy the public address is.
#pragma once

#include "service/http/exchange.h"
#include "service/ops/metrics.h"

#include <functional>

namespace anime::service
{

class Admin final : public Handler
{
public:
    /// `not_ready` tells why not: a problem's code, or nothing when all is well.
    Admin(Metrics &metrics, std::function<Gauges()> gauges, std::function<std::string()> not_ready);

    std::unique_ptr<Exchange> open(RequestHead head) override;
    void refused_head(const std::string &, int) override {}

private:
    friend class AdminExchange;

    Metrics &metrics_;
    const std::function<Gauges()> gauges_;
    const std::function<std::string()> not_ready_;
};

} // namespace anime::service
