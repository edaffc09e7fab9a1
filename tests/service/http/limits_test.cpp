// SPDX-License-Identifier: LGPL-2.1-or-later
// What a connection may cost: bytes, time, and how many a client has.
#include "tests/service/fixture.h"

namespace anime::service
{

using HttpLimits = ServiceTest;

TEST_F(HttpLimits, TooManyBytesAreRefusedWhileTheyArrive)
{
    options_.limits.max_bytes = 100000;
    start();
    const std::string head = "POST /upload HTTP/1.1\r\nHost: x\r\nContent-Type: image/jpeg\r\n";
    {
        SCOPED_TRACE("declared, and nothing sent yet");
        Client client(port());
        client.send(head + "Content-Length: 50000000\r\n\r\n");
        const Answer answer = client.receive();
        EXPECT_EQ(breach("POST", "/upload", answer), "");
        EXPECT_EQ(code(answer), "size-bytes");
        EXPECT_EQ(json(answer)["limit"], 100000);
        EXPECT_EQ(json(answer)["actual"], 50000000);
        EXPECT_TRUE(client.ends());
    }
    {
        SCOPED_TRACE("chunked");
        Client client(port());
        client.send(head + "Transfer-Encoding: chunked\r\n\r\n");
        const std::string chunk = "4000\r\n" + std::string(0x4000, 'x') + "\r\n";
        for (int i = 0; i < 10; ++i)
            client.send(chunk);
        const Answer answer = client.receive();
        EXPECT_EQ(code(answer), "size-bytes");
        EXPECT_TRUE(client.ends());
    }
    {
        SCOPED_TRACE("a client that never stops is cut off, and could have read why");
        Client client(port());
        client.send(head + "Content-Length: 500000000\r\n\r\n");
        const std::string part(1 << 16, 'x');
        int parts = 0;
        while (parts < 5000 && client.send(part))
            ++parts;
        EXPECT_LT(parts, 5000);
    }
    {
        SCOPED_TRACE("many chunks a read, of which each could be handed to a connection that sleeps");
        const std::string chunk = "40\r\n" + std::string(0x40, 'x') + "\r\n";
        std::string chunks;
        while (chunks.size() < 1 << 16)
            chunks += chunk;
        Client client(port());
        client.send(head + "Transfer-Encoding: chunked\r\n\r\n");
        int parts = 0;
        while (parts < 5000 && client.send(chunks))
            ++parts;
        EXPECT_LT(parts, 5000);
        EXPECT_EQ(ask("GET", "/livez").status, 200);
    }
    {
        SCOPED_TRACE("a little too much keeps the connection");
        Client client(port());
        client.send(head + "Content-Length: 120000\r\n\r\n" + std::string(120000, 'x'));
        EXPECT_EQ(code(client.receive()), "size-bytes");
        client.send("GET /livez HTTP/1.1\r\nHost: x\r\n\r\n");
        EXPECT_EQ(client.receive().status, 200);
    }
    EXPECT_EQ(ask("POST", "/v1/jobs", std::string(110000, 'x'), {{"Content-Type", "image/jpeg"}}).status,
              413);
}

TEST_F(HttpLimits, SlowClientsAreCutOff)
{
    options_.limits.header_timeout = 1;
    options_.limits.body_timeout = 1;
    start();
    Client silent(port());
    Client head(port());
    Client body(port());
    head.send("GET /livez HT");
    body.send(
        "POST /upload HTTP/1.1\r\nHost: x\r\nContent-Type: image/jpeg\r\nContent-Length: 1000\r\n\r\nabc");
    Client job(port());
    job.send(
        "POST /v1/jobs HTTP/1.1\r\nHost: x\r\nContent-Type: image/jpeg\r\nContent-Length: 1000\r\n\r\nabc");
    const Answer late = body.receive();
    EXPECT_EQ(breach("POST", "/upload", late), "");
    EXPECT_EQ(code(late), "body-slow");
    EXPECT_TRUE(body.ends());
    EXPECT_TRUE(head.ends());
    EXPECT_TRUE(silent.ends());
    EXPECT_EQ(breach("POST", "/v1/jobs", job.receive()), "");
    EXPECT_EQ(ask("GET", "/livez").status, 200);
}

TEST_F(HttpLimits, TellsIdleConnectionsFromSlowHeads)
{
    options_.limits.header_timeout = 1;
    start();
    Client idle(port());
    idle.send("GET /livez HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_EQ(idle.receive().status, 200);
    EXPECT_TRUE(idle.ends());
    await_metric("anime_connection_timeouts_total{phase=\"idle\"}", [](double count) { return count == 1; });
    const std::string text = request(service_->metrics_port(), "GET", "/metrics").body;
    EXPECT_EQ(text.find("anime_connection_timeouts_total{phase=\"head\"}"), std::string::npos);
    EXPECT_NE(text.find("# TYPE anime_log_lines_dropped_total counter"), std::string::npos);
}

TEST_F(HttpLimits, LimitsTheConnectionsOfAClient)
{
    options_.limits.max_connections_per_client = 2;
    start();
    Client first(port(), 7);
    Client second(port(), 7);
    first.send("GET /livez HTTP/1.1\r\nHost: x\r\n\r\n");
    second.send("GET /livez HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_EQ(first.receive().status, 200);
    EXPECT_EQ(second.receive().status, 200);
    for (const auto &[method, path] : documented_operations())
        EXPECT_EQ(code(ask(method, path, {}, {}, 7)), "connections");
    EXPECT_EQ(request(port(), "GET", "/v1/limits", {}, {}, 8).status, 200);
}

} // namespace anime::service
