// SPDX-License-Identifier: LGPL-2.1-or-later
#include "service/results/byte_budget.h"

namespace anime::service
{

std::optional<std::uint64_t> ByteBudget::take(const std::string &client, std::uint64_t bytes)
{
    const std::lock_guard guard(lock_);
    const auto known = clients_.find(client);
    const std::uint64_t own = known == clients_.end() ? 0 : known->second;
    if (used_ + bytes > most_)
        return most_;
    if (own + bytes > most_per_client_)
        return most_per_client_;
    if (bytes == 0)
        return std::nullopt;
    used_ += bytes;
    clients_[client] = own + bytes;
    return std::nullopt;
}

void ByteBudget::give_back(const std::string &client, std::uint64_t bytes)
{
    if (bytes == 0)
        return;
    const std::lock_guard guard(lock_);
    const auto own = clients_.find(client);
    used_ -= bytes;
    own->second -= bytes;
    if (own->second == 0)
        clients_.erase(own);
}

std::uint64_t ByteBudget::used() const
{
    const std::lock_guard guard(lock_);
    return used_;
}

} // namespace anime::service
