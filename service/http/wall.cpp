// SPDX-License-Identifier: LGPL-2.1-or-later
#include "service/http/wall.h"

namespace anime::service
{

void complain_of_exception(const char *where, const Complain &complain) noexcept
{
    try {
        try {
            throw;
        } catch (const std::exception &error) {
            complain(std::string("an exception ended ") + where + ": " + error.what());
        } catch (...) {
            complain(std::string("an unknown exception ended ") + where);
        }
    } catch (...) { // out of memory: the wall has held, which matters more than the line
    }
}

} // namespace anime::service
