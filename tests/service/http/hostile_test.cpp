// SPDX-License-Identifier: LGPL-2.1-or-later
// Requests made to do harm: to the logs and metrics, to a proxy in front, to the memory of the process.
#include "tests/service/fixture.h"

#include <glib.h>

#include <filesystem>
#include <fstream>
#include <list>

namespace anime::service
{

using Hostile = ServiceTest;

TEST_F(Hostile, MethodsOfTheirOwnShareOneLabel)
{
    start();
    for (const char *method : {"FOO", "\xff\xfe", "G\"E\\T", "get"})
        EXPECT_EQ(request(port(), method, "/nothing").status, 404);
    await_metric("anime_http_requests_total{method=\"other\",route=\"unknown\",status=\"404\"}",
                 [](double count) { return count == 4; });
    const std::string metrics = request(service_->metrics_port(), "GET", "/metrics").body;
    EXPECT_TRUE(g_utf8_validate_len(metrics.data(), metrics.size(), nullptr));
    EXPECT_EQ(metrics.find("FOO"), std::string::npos);
}

TEST_F(Hostile, AnAccessLineIsShortWhateverTheClientWrote)
{
    start();
    const std::string much(6000, 'x');
    request(port(), "M" + much, "/" + much, {}, {{"User-Agent", much}, {"X-Request-ID", "much-1"}});
    request(port(), "GET", "/%ff%fe", {}, {{"User-Agent", "\xff"}, {"X-Request-ID", "bytes-1"}});
    const std::string text = log();
    EXPECT_TRUE(g_utf8_validate_len(text.data(), text.size(), nullptr));
    for (const char *id : {"much-1", "bytes-1"}) {
        const auto at = text.find(id);
        ASSERT_NE(at, std::string::npos);
        const auto start_of_line = text.rfind('\n', at) + 1;
        EXPECT_LT(text.find('\n', at) - start_of_line, 2000u) << id;
    }
}

TEST_F(Hostile, ABodyWithoutOneClearEndIsRefusedAndTheConnectionEnds)
{
    start();
    const std::string chunks = "5\r\nhello\r\n0\r\n\r\n";
    const std::string next = "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n";
    const std::pair<std::string, std::string> requests[] = {
        {"Content-Length: 5\r\nContent-Length: 60\r\n", "hello"},
        {"Content-Length: 60\r\nContent-Length: 5\r\n", "hello"},
        {"Content-Length: 5\r\nContent-Length: 5\r\n", "hello"},
        {"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", chunks},
        {"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", chunks},
        {"Transfer-Encoding: gzip, chunked\r\n", chunks},
        {"Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n", chunks},
        {"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", chunks},
        {"Transfer-Encoding: identity\r\n", "hello"},
        {"Transfer-Encoding: xchunked\r\n", chunks},
        {"Transfer-Encoding:\r\n", "hello"},
        {"Content-Length: 5\r\nHost: y\r\n", "hello"},
        {"Content-Length: 5\r\nContent-Type: image/png\r\n", "hello"},
    };
    for (const auto &[lines, body] : requests)
        for (const auto &[method, path] : documented_operations()) {
            SCOPED_TRACE(method + " " + path + ": " + lines);
            Client client(port());
            client.send(method + " " + path +
                        (" HTTP/1.1\r\nHost: x\r\nContent-Type: image/jpeg\r\n" + lines) + "\r\n" + body +
                        next);
            const Answer answer = client.receive();
            EXPECT_EQ(breach(method, path, answer), "");
            EXPECT_EQ(code(answer), "header-invalid");
            EXPECT_FALSE(client.wait_for("HTTP/1.1 ")) << "what follows is no request";
        }
    Client old(port());
    old.send("POST /upload HTTP/1.0\r\nContent-Type: image/jpeg\r\nTransfer-Encoding: chunked\r\n\r\n" +
             chunks);
    EXPECT_EQ(code(old.receive()), "header-invalid");
}

TEST_F(Hostile, NoClientTakesAllTheRoomForUploads)
{
    options_.limits.max_pending_bytes = 200000;
    options_.limits.max_bytes = 60000; // a client has at least one, which is more than a quarter here
    start();
    const std::string head = "POST /upload HTTP/1.1\r\nHost: x\r\nContent-Type: image/jpeg\r\n"
                             "Content-Length: 50000\r\n\r\n";
    Client first(port());
    first.send(head + std::string(40000, 'x'));
    await_metric("anime_pending_upload_bytes", [](double bytes) { return bytes == 40000; });
    Client second(port());
    second.send(head + std::string(50000, 'x'));
    const Answer refused = second.receive();
    EXPECT_EQ(code(refused), "uploads-full");
    EXPECT_EQ(json(refused)["limit"], 60000);
    Client other(port(), 9);
    other.send(head + std::string(50000, 'x'));
    EXPECT_EQ(other.receive().status, 422) << "there is room for others: this is only no photo";
}

TEST_F(Hostile, LinesOfOneHeaderAreOneList)
{
    options_.limits.rate = 1;
    options_.limits.burst = 1;
    options_.trusted_proxies = {"127.0.0.1", "10.0.0.0/8"};
    start();
    const auto status_from = [this](const std::string &lines) {
        Client client(port());
        client.send("POST /upload HTTP/1.1\r\nHost: x\r\nContent-Type: image/jpeg\r\n" + lines +
                    "Content-Length: " + std::to_string(photo().size()) + "\r\n\r\n" + photo());
        return client.receive().status;
    };
    EXPECT_EQ(status_from("X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-For: 10.0.0.1\r\n"), 200);
    EXPECT_EQ(status_from("X-Forwarded-For: 192.0.2.1\r\n"), 429) << "the same client";
}

/// Its pictures have 6 MB, more than the buffers of two sockets hold.
class HostileReaders : public ServiceTest
{
protected:
    HostileReaders()
    {
        std::ofstream(folder_ / "web.launch")
            << "appsrc name=input caps=image/jpeg ! jpegdec ! videoscale ! videoconvert ! "
               "video/x-raw,format=RGB,width=1400,height=1400 ! pngenc compression-level=0 ! "
               "appsink name=output sync=false";
        setenv("ANIME_PIPELINE_PATH", folder_.c_str(), 1);
    }
    ~HostileReaders() override
    {
        setenv("ANIME_PIPELINE_PATH", pipelines_.c_str(), 1);
        std::filesystem::remove_all(folder_);
    }

private:
    static std::filesystem::path new_folder()
    {
        char name[] = "/tmp/anime-service-XXXXXX";
        return mkdtemp(name);
    }

    const std::string pipelines_ = std::getenv("ANIME_PIPELINE_PATH");
    const std::filesystem::path folder_ = new_folder();
};

TEST_F(HostileReaders, HoldABoundedNumberOfPictures)
{
    options_.limits.max_sending_bytes = 26 << 20; // four of them, and one of each client
    start();
    const std::string id = create("/v1/jobs", photo());
    ASSERT_EQ(finished(id)["state"], "succeeded");
    const std::string get = "GET /v1/jobs/" + id + "/result HTTP/1.1\r\nHost: x\r\n\r\n";
    std::list<Client> slow;
    const auto held = [&](int client) {
        slow.emplace_back(port(), client).send(get);
        EXPECT_TRUE(slow.back().wait_for("HTTP/1.1 200"));
    };
    const auto code_for = [&](int client) {
        const Answer answer = ask("GET", "/v1/jobs/" + id + "/result", {}, {}, client);
        EXPECT_TRUE(answer.headers.contains("retry-after"));
        return code(answer);
    };
    held(1);
    EXPECT_EQ(code_for(1), "sending-full") << "one is this client's share";
    for (const int client : {2, 3, 4})
        held(client);
    EXPECT_EQ(code_for(5), "sending-full") << "and four are that of all";
    EXPECT_EQ(code(ask("POST", "/upload", photo(), {{"Content-Type", "image/jpeg"}}, 5)), "sending-full");
    EXPECT_EQ(ask("GET", "/livez").status, 200);
    slow.clear();
    await_metric("anime_sending_bytes", [](double bytes) { return bytes == 0; });
    EXPECT_EQ(ask("GET", "/v1/jobs/" + id + "/result", {}, {}, 5).status, 200);
}

TEST_F(Hostile, APictureLargerThanTheShareIsSentAllTheSame)
{
    options_.limits.max_sending_bytes = 4;
    start();
    EXPECT_EQ(post("/upload", photo()).status, 200);
}

} // namespace anime::service
