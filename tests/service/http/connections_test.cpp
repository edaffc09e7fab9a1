// SPDX-License-Identifier: LGPL-2.1-or-later
// The table of connections by itself: every moment at which tick() may look at one.
#include "service/http/connections.h"

#include <gtest/gtest.h>

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <vector>

namespace anime::service
{

namespace
{

using namespace std::chrono_literals;

class ConnectionTableTest : public testing::Test
{
protected:
    ConnectionTableTest()
    {
        EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends_.data()), 0);
        connection_ = table_.open(ends_[0], "192.0.2.1", now_);
    }
    ~ConnectionTableTest() override
    {
        table_.close(connection_);
        close(ends_[0]);
        if (ends_[1] >= 0)
            close(ends_[1]);
    }

    void hang_up()
    {
        close(ends_[1]);
        ends_[1] = -1;
    }
    /// Whether it was woken since it was last asked; nothing is suspended here.
    bool woken() { return !suspension_->sleep(nullptr); }

    std::array<int, 2> ends_{};
    const ConnectionTable::Time now_ = std::chrono::steady_clock::now();
    const std::shared_ptr<Suspension> suspension_ = std::make_shared<Suspension>();
    std::vector<std::string> expired_;
    ConnectionTable table_{3, 64, 10s, [](const std::string &) { return false; },
                           [this](const char *phase) { expired_.emplace_back(phase); }};
    Connection *connection_ = nullptr;
};

} // namespace

TEST_F(ConnectionTableTest, TicksInPhasesThatMaySleepBeforeAnythingSleeps)
{
    for (const Phase phase : {Phase::work, Phase::events, Phase::refuse})
        for (const auto deadline : {now_ + 1h, now_}) {
            ASSERT_TRUE(table_.enter(connection_, phase, deadline));
            table_.tick(now_);
            table_.wake_all();
        }
}

TEST_F(ConnectionTableTest, WakesEventsAtEachTickFromTheirFirstMomentOn)
{
    ASSERT_TRUE(table_.enter(connection_, Phase::events, now_ + 1h, suspension_));
    table_.tick(now_);
    EXPECT_TRUE(woken());
    EXPECT_FALSE(table_.is_gone(connection_));
}

TEST_F(ConnectionTableTest, WakesWorkAtItsDeadline)
{
    ASSERT_TRUE(table_.enter(connection_, Phase::work, now_ + 1h, suspension_));
    table_.tick(now_ + 1h);
    EXPECT_TRUE(woken());
}

TEST_F(ConnectionTableTest, WakesWhatSleepsWhenItsClientHangsUp)
{
    ASSERT_TRUE(table_.enter(connection_, Phase::work, now_ + 1h, suspension_));
    hang_up();
    table_.tick(now_);
    EXPECT_TRUE(table_.is_gone(connection_));
    EXPECT_TRUE(woken());
}

TEST_F(ConnectionTableTest, RefusesANewPhaseOnceTheConnectionIsEnding)
{
    ASSERT_TRUE(table_.enter(connection_, Phase::refuse, now_, suspension_));
    table_.tick(now_);
    EXPECT_TRUE(woken());
    EXPECT_FALSE(table_.enter(connection_, Phase::send, now_ + 1h));
}

TEST_F(ConnectionTableTest, LetsNothingSleepOnceTheServerStops)
{
    ASSERT_TRUE(table_.enter(connection_, Phase::work, now_ + 1h, suspension_));
    table_.wake_all();
    EXPECT_TRUE(table_.is_gone(connection_));
    EXPECT_TRUE(woken());
    EXPECT_FALSE(table_.enter(connection_, Phase::refuse, now_ + 1h, suspension_));
    EXPECT_TRUE(table_.enter(connection_, Phase::send, now_ + 1h));
}

TEST_F(ConnectionTableTest, TheOneThatWasQuietLongestMakesRoomForANewcomer)
{
    // Four connections, of which the table holds three: what happens to each socket.
    std::array<std::array<int, 2>, 3> pairs{};
    std::array<Connection *, 3> others{};
    ASSERT_TRUE(table_.enter(connection_, Phase::work, now_ + 1h, suspension_)) << "the oldest is not idle";
    for (std::size_t i = 0; i < pairs.size(); ++i) {
        ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pairs[i].data()), 0);
        others[i] = table_.open(pairs[i][0], "192.0.2." + std::to_string(i), now_);
    }
    const auto ended = [&](std::size_t i) {
        char byte = 0;
        return recv(pairs[i][1], &byte, 1, MSG_DONTWAIT) == 0;
    };
    EXPECT_TRUE(ended(0));
    EXPECT_FALSE(ended(1));
    EXPECT_FALSE(ended(2)) << "the newcomer";
    EXPECT_EQ(expired_, std::vector<std::string>{"evicted"});
    table_.close(others[0]);
    table_.back_to_head(others[1], now_); // it had a request meanwhile, so the newcomer is quiet for longer
    table_.close(table_.open(-1, "192.0.2.9", now_));
    EXPECT_FALSE(ended(1));
    EXPECT_TRUE(ended(2));
    for (const std::size_t i : {1, 2})
        table_.close(others[i]);
    for (const auto &pair : pairs)
        for (const int socket : pair)
            close(socket);
}

TEST_F(ConnectionTableTest, CountsAnIpv6NetworkAsOneClient)
{
    ConnectionTable table(
        64, 2, 10s, [](const std::string &) { return false; }, [](const char *) {});
    std::vector<Connection *> opened;
    for (const char *address : {"2001:db8:1:2::1", "2001:db8:1:2::2", "2001:db8:1:2::3", "2001:db8:1:2::4"})
        opened.push_back(table.open(-1, address, now_));
    EXPECT_FALSE(opened[1]->over_limit);
    EXPECT_TRUE(opened[2]->over_limit);
    EXPECT_FALSE(table.admits("2001:db8:1:2::5"));
    EXPECT_TRUE(table.admits("2001:db8:1:3::5"));
    for (Connection *connection : opened)
        table.close(connection);
    EXPECT_TRUE(table.admits("2001:db8:1:2::5"));
}

} // namespace anime::service
