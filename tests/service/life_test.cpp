// SPDX-License-Identifier: LGPL-2.1-or-later
// The service starts, drains and stops while clients are there.
#include "tests/service/fixture.h"

namespace anime::service
{

using Life = ServiceTest;

TEST_F(Life, NotReadyUntilTheModelIsLoaded)
{
    start(false);
    EXPECT_EQ(ask("GET", "/livez").status, 200);
    EXPECT_EQ(code(ask("GET", "/readyz")), "not-ready");
    EXPECT_EQ(code(post("/upload", photo())), "not-ready");
    EXPECT_EQ(json(ask("GET", "/v1/limits"))["ready"], false);
    EXPECT_EQ(request(service_->metrics_port(), "GET", "/readyz").status, 503);
    service_->start();
    EXPECT_EQ(ask("GET", "/readyz").status, 200);
    EXPECT_EQ(request(service_->metrics_port(), "GET", "/readyz").status, 200);
}

TEST_F(Life, DrainingFinishesWhatIsInHand)
{
    start();
    const std::string id = create("/v1/jobs?pipeline=slow", slow_photo(0, 40));
    service_->drain();
    EXPECT_EQ(code(post("/upload", photo(1))), "draining");
    EXPECT_EQ(code(ask("GET", "/readyz")), "draining");
    EXPECT_EQ(finished(id)["state"], "succeeded");
    while (!service_->drained())
        std::this_thread::yield();
}

TEST_F(Life, StopsWhileClientsWait)
{
    start();
    Client waiting(port());
    waiting.send(slow_upload(slow_photo(0, 400)));
    const std::string id = create("/v1/jobs?pipeline=slow", slow_photo(1, 400));
    Client events(port());
    events.send("GET /v1/jobs/" + id + "/events HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_TRUE(events.wait_for("event: progress"));
    stop();
}

TEST_F(Life, StartsAgainAtOnceOnTheSamePorts)
{
    start(false);
    for (int i = 0; i < 3; ++i) {
        // The server ends these, so they wait for lost segments on its side for a minute.
        Client page(port());
        Client scrape(service_->metrics_port());
        for (Client *client : {&page, &scrape}) {
            client->send("GET /livez HTTP/1.1\r\nHost: x\r\n\r\n");
            EXPECT_EQ(client->receive().status, 200);
        }
        options_.port = port();
        options_.metrics_port = service_->metrics_port();
        EXPECT_THROW(Service(options_, *lines_), std::runtime_error) << "while this one is there";
        stop();
        start(false);
        EXPECT_EQ(request(port(), "GET", "/livez").status, 200);
        EXPECT_EQ(request(service_->metrics_port(), "GET", "/livez").status, 200);
    }
}

TEST_F(Life, WhoWaitsIsToldThatTheServiceStops)
{
    options_.limits.workers = 1;
    start();
    for (int i = 0; i < 5; ++i)
        create("/v1/jobs?pipeline=slow", slow_photo(i, 400));
    Client waiting(port());
    waiting.send(slow_upload(slow_photo(9)));
    await_metric("anime_jobs", [](double jobs) { return jobs == 6; });
    stop();
    EXPECT_EQ(code(waiting.receive()), "draining");
}

TEST_F(Life, RefusesToStartWithoutItsDescription)
{
    options_.pipeline = "nope";
    try {
        start();
        FAIL();
    } catch (const std::runtime_error &error) {
        EXPECT_NE(std::string(error.what()).find("nope"), std::string::npos);
    }
}

} // namespace anime::service
