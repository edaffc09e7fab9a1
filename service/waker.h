// SPDX-License-Identifier: LGPL-2.1-or-later
// How a job tells whoever waits for it; the HTTP side implements it with a suspended connection.
#pragma once

namespace anime::service
{

class Waker
{
public:
    virtual ~Waker() = default;
    /// From any thread, at any time, also when nobody waits any more. Never blocks, never calls back.
    virtual void wake() = 0;
};

} // namespace anime::service
