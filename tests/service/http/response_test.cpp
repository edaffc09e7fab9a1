// SPDX-License-Identifier: LGPL-2.1-or-later
#include "service/http/response.h"

#include "service/picture.h"

#include <glib.h>
#include <gtest/gtest.h>

#include <array>

namespace anime::service
{

TEST(Base64Body, EqualsGlibsWhateverTheSizeAndTheReads)
{
    for (std::size_t size = 0; size < 8; ++size)
        for (std::size_t step : {1, 3, 64}) {
            Bytes bytes;
            for (std::size_t i = 0; i < size; ++i)
                bytes.push_back(static_cast<std::uint8_t>(251 * (i + 1)));
            const Base64Body body{"<", std::make_shared<const Bytes>(bytes), ">"};
            std::string text;
            std::array<char, 64> part{};
            while (const std::size_t count = body.read(text.size(), part.data(), step))
                text.append(part.data(), count);
            char *expected = g_base64_encode(bytes.data(), bytes.size());
            EXPECT_EQ(text, std::string("<") + expected + ">");
            EXPECT_EQ(text.size(), body.size());
            g_free(expected);
        }
}

} // namespace anime::service
