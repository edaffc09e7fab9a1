// SPDX-License-Identifier: LGPL-2.1-or-later
// Clients that leave in each phase of a connection. Every timeout is an hour, so what is let go was noticed.
#include "tests/service/fixture.h"

#include <functional>

namespace anime::service
{

namespace
{

constexpr std::int64_t hour = 3600;

class Leaving : public ServiceTest
{
protected:
    Leaving()
    {
        options_.limits.header_timeout = hour;
        options_.limits.body_timeout = hour;
        options_.limits.send_timeout = hour;
        options_.limits.deadline = hour;
        options_.limits.workers = 1;
    }

    /// Both kinds of end, behind `phase` and with `last_words`; an older client stays, as there often is one.
    void expect_let_go(const std::function<void(Client &)> &phase, const std::string &last_words = {})
    {
        start();
        Client older(port());
        await_connections(1);
        for (const bool reset : {false, true}) {
            SCOPED_TRACE(reset ? "reset" : "closed");
            Client client(port());
            phase(client);
            await_connections(2);
            client.leave(last_words, reset);
            await_connections(1);
        }
    }

    std::string queued_job()
    {
        std::string id;
        for (int i = 0; i < 10; ++i)
            id = create("/v1/jobs?pipeline=slow", slow_photo(seed_++));
        return id;
    }

    void await_connections(double count)
    {
        await_metric("anime_http_connections", [count](double value) { return value == count; });
    }

    int seed_ = 0;
};

const std::string body_follows =
    "POST /upload HTTP/1.1\r\nHost: x\r\nContent-Type: image/jpeg\r\nContent-Length: 1000\r\n\r\n";

} // namespace

TEST_F(Leaving, BeforeTheFirstByte)
{
    expect_let_go([](Client &) {});
}

TEST_F(Leaving, InTheHead)
{
    expect_let_go([](Client &client) { client.send("GET /livez HT"); }, "TP/1.1\r\nHo");
}

TEST_F(Leaving, BetweenRequests)
{
    expect_let_go([](Client &client) {
        client.send("GET /livez HTTP/1.1\r\nHost: x\r\n\r\n");
        EXPECT_EQ(client.receive().status, 200);
    });
}

TEST_F(Leaving, InTheBody)
{
    expect_let_go([](Client &client) { client.send(body_follows + "abc"); }, "def");
}

TEST_F(Leaving, WithTheHeadAndSomeOfTheBodyInTheLastSegment)
{
    expect_let_go([](Client &) {}, body_follows + "abc");
}

TEST_F(Leaving, WhileAnUploadWaitsForItsPicture)
{
    expect_let_go([this](Client &client) {
        queued_job();
        client.send(slow_upload(slow_photo(seed_++)));
    });
}

TEST_F(Leaving, WhileItWaitsForAJob)
{
    expect_let_go([this](Client &client) {
        client.send("GET /v1/jobs/" + queued_job() + " HTTP/1.1\r\nHost: x\r\nPrefer: wait=30\r\n\r\n");
    });
}

TEST_F(Leaving, AmongEvents)
{
    expect_let_go([this](Client &client) {
        client.send("GET /v1/jobs/" + queued_job() + "/events HTTP/1.1\r\nHost: x\r\n\r\n");
        EXPECT_TRUE(client.wait_for("event: "));
    });
}

TEST_F(Leaving, WithAnswersUnread)
{
    expect_let_go([](Client &client) {
        // 1000 pages: more than the sockets' buffers hold, so the server is in the middle of one.
        for (int i = 0; i < 1000; ++i)
            client.send("GET /index.html HTTP/1.1\r\nHost: x\r\n\r\n");
        EXPECT_TRUE(client.wait_for("HTTP/1.1 200"));
    });
}

} // namespace anime::service
