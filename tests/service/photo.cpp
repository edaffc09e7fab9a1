// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/service/fixture.h"

#include "service/resources.h"

namespace anime::service
{

std::string photo(int seed)
{
    // A JPEG may end in anything: other bytes, the same picture.
    std::string bytes(resource("/warm-up.jpg"));
    return bytes + std::to_string(seed);
}

std::string slow_photo(int seed, int pictures)
{
    std::string bytes;
    for (int i = 1; i < pictures; ++i)
        bytes += resource("/warm-up.jpg");
    return bytes + photo(seed);
}

} // namespace anime::service
