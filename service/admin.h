// SPDX-License-Identifier: LGPL-2.1-or-later
// The operator's address: /metrics, and health that answers however busy the public address is.
#pragma once

#include "service/http/exchange.h"
#include "service/metrics.h"

#include <functional>

namespace anime::service
{

class Admin final : public Handler
{
public:
    /// `ready` tells why not: a problem's code, or nothing when all is well.
    Admin(Metrics &metrics, std::function<Gauges()> gauges, std::function<std::string()> not_ready);

    std::optional<Response> begin(Exchange &exchange) override;
    std::optional<Response> finish(Exchange &exchange) override;
    Response late(const Exchange &exchange) override;
    Response refused(const Exchange &exchange, const Problem &problem) override;
    void abandoned(Exchange &) override {}
    void completed(const Exchange &) override {}

private:
    Metrics &metrics_;
    const std::function<Gauges()> gauges_;
    const std::function<std::string()> not_ready_;
};

} // namespace anime::service
