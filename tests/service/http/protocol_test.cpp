// SPDX-License-Identifier: LGPL-2.1-or-later
// HTTP as RFC 9110 and 9112 have it, where clients and proxies differ: targets, heads that are too large,
// what may be asked of a resource, clients that send all before they read.
#include "tests/service/fixture.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <list>

namespace anime::service
{

namespace
{

class Protocol : public ServiceTest
{
protected:
    Answer raw(const std::string &text)
    {
        Client client(port());
        client.send(text);
        return client.receive();
    }
    static std::string output_of(const std::string &command)
    {
        std::string text;
        FILE *pipe = popen(command.c_str(), "re");
        std::array<char, 4096> part{};
        while (const std::size_t count = fread(part.data(), 1, part.size(), pipe))
            text.append(part.data(), count);
        EXPECT_EQ(pclose(pipe), 0) << command << "\n" << text;
        return text;
    }
    std::string url(const std::string &path) const
    {
        return "http://127.0.0.1:" + std::to_string(service_->port()) + path;
    }
};

const std::string host = " HTTP/1.1\r\nHost: x\r\n\r\n";

} // namespace

TEST_F(Protocol, AnAddressMayHaveItsHostBeforeIt)
{
    start();
    for (const char *target : {"/livez", "http://example.org/livez", "HTTP://example.org:80/livez"})
        EXPECT_EQ(raw("GET " + (target + host)).status, 200) << target;
    EXPECT_EQ(raw("GET http://example.org" + host).status, 200) << "the page";
}

TEST_F(Protocol, NothingIsCutOffAtAZero)
{
    start();
    EXPECT_EQ(raw("GET /livez%00x" + host).status, 404);
    EXPECT_EQ(code(post("/v1/jobs?style=default%00x", photo())), "option-invalid");
    EXPECT_EQ(code(post("/v1/jobs?style%00x=default", photo())), "option-invalid");
}

TEST_F(Protocol, MoreOptionsOrALongerAddressThanAreReadGet414)
{
    start();
    std::string options;
    for (int i = 0; i < 400; ++i)
        options += "&a" + std::to_string(i) + "=b";
    for (const std::string &target :
         {"/livez?" + options, "/v1/jobs?" + std::string(5000, '&'), "/v1/limits?x=" + std::string(9000, 'x'),
          "/" + std::string(9000, 'x')}) {
        const Answer answer = raw("GET " + (target + host));
        EXPECT_EQ(answer.status, 414);
        EXPECT_EQ(code(answer), "target-too-long");
        EXPECT_EQ(answer.headers.at("x-request-id"), json(answer)["request_id"]);
    }
    EXPECT_EQ(raw("GET /livez?" + options.substr(0, 300) + host).status, 200);
    await_metric("anime_http_requests_total{method=\"other\",route=\"unknown\",status=\"414\"}",
                 [](double count) { return count == 4; });
    EXPECT_NE(log().find("\"code\":\"target-too-long\""), std::string::npos);
}

TEST_F(Protocol, HeadsThatAreNoHttpAreLoggedAndCounted)
{
    start();
    std::string many;
    for (int i = 0; i < 2000; ++i)
        many += "A" + std::to_string(i) + ": b\r\n";
    const std::pair<std::string, int> heads[] = {
        {"GET /livez HTTP/1.1\r\nHost: x\r\nContent-Length: many\r\n\r\n", 400},
        {"GET /livez HTTP/1.1\r\n\r\n", 400},
        {"GET /livez HTTP/1.1\r\nHost: x\r\nX: " + std::string(40000, 'x') + "\r\n\r\n", 431},
        {"GET /livez HTTP/1.1\r\nHost: x\r\n" + many + "\r\n", 431},
    };
    int last = 20;
    for (const auto &[head, status] : heads) {
        Client client(port(), ++last);
        client.send(head);
        EXPECT_EQ(client.receive().status, status) << head.substr(0, 60);
        await_metric("anime_rejections_total{code=\"head-invalid\"}",
                     [&](double count) { return count == last - 20; });
    }
    const auto lines = log_lines();
    for (int client = 21; client <= last; ++client)
        EXPECT_TRUE(std::any_of(lines.begin(), lines.end(), [&](const nlohmann::json &line) {
            return line["layer"] == "access" && line["code"] == "head-invalid" &&
                   line.contains("request_id") && line["client"] == "127.0.0." + std::to_string(client) &&
                   line["status"] == heads[client - 21].second;
        })) << client;
}

TEST_F(Protocol, WhatMayBeDoneIsSaidWithHead)
{
    start();
    const std::pair<const char *, const char *> allowed[] = {{"/upload", "POST"},
                                                             {"/v1/jobs", "POST"},
                                                             {"/v1/jobs/none", "GET, HEAD, DELETE"},
                                                             {"/v1/limits", "GET, HEAD"},
                                                             {"/", "GET, HEAD"}};
    for (const auto &[path, methods] : allowed) {
        const Answer answer = request(port(), "PATCH", path);
        EXPECT_EQ(answer.status, 405) << path;
        EXPECT_EQ(answer.headers.at("allow"), methods) << path;
    }
    const Answer metrics = request(service_->metrics_port(), "POST", "/metrics");
    EXPECT_EQ(metrics.status, 405);
    EXPECT_EQ(metrics.headers.at("allow"), "GET, HEAD");
}

TEST_F(Protocol, NotModifiedHasNoLengthButThatOfTheWhole)
{
    start();
    const std::string id = create("/v1/jobs", photo());
    finished(id);
    for (const std::string &path : {std::string("/"), "/v1/jobs/" + id + "/result"}) {
        const Answer whole = ask("GET", path);
        const Answer known = ask("GET", path, {}, {{"If-None-Match", whole.headers.at("etag")}});
        EXPECT_EQ(known.status, 304) << path;
        EXPECT_EQ(known.headers.at("content-length"), std::to_string(whole.body.size())) << path;
        EXPECT_FALSE(known.headers.contains("transfer-encoding")) << path;
    }
}

TEST_F(Protocol, PreferenceAppliedIsWhatWasApplied)
{
    options_.limits.max_wait = 5;
    start();
    const auto applied = [this](const std::string &prefer) {
        const Answer answer = post("/v1/jobs", photo(), {{"Prefer", prefer}});
        const auto found = answer.headers.find("preference-applied");
        return found == answer.headers.end() ? "" : found->second;
    };
    EXPECT_EQ(applied("wait=3"), "wait=3");
    EXPECT_EQ(applied("respond-async, wait=3; foo, x=y"), "wait=3");
    EXPECT_EQ(applied("wait=100"), "wait=5");
    EXPECT_EQ(applied("wait=long"), "");
    EXPECT_EQ(applied("return=minimal"), "");
    const std::string job = "/v1/jobs/" + create("/v1/jobs", photo());
    EXPECT_EQ(ask("GET", job, {}, {{"Prefer", "wait=100"}}).headers.at("preference-applied"), "wait=5");
    const Answer failed = post("/v1/jobs", "no photo", {{"Prefer", "wait=100"}});
    EXPECT_EQ(failed.headers.at("preference-applied"), "wait=5");
}

TEST_F(Protocol, WhoWaitsToBeToldToGoOnIsToldWhateverTheSpelling)
{
    options_.limits.max_bytes = 100000;
    start();
    for (const char *expect : {"100-continue", "100-Continue"}) {
        Client client(port());
        client.send("POST /upload HTTP/1.1\r\nHost: x\r\nContent-Type: image/jpeg\r\nExpect: " +
                    std::string(expect) + "\r\nContent-Length: 50000000\r\n\r\n");
        const Answer refused = client.receive();
        EXPECT_EQ(code(refused), "size-bytes") << expect;
    }
    Client client(port());
    client.send("POST /upload HTTP/1.1\r\nHost: x\r\nContent-Type: image/jpeg\r\nExpect: 100-CONTINUE\r\n"
                "Content-Length: " +
                std::to_string(photo().size()) + "\r\n\r\n");
    EXPECT_TRUE(client.wait_for("HTTP/1.1 100"));
    client.send(photo());
    EXPECT_EQ(client.receive().status, 200);
}

TEST_F(Protocol, FormsSayWhichFieldIsMeant)
{
    start();
    const auto refusal = [this](const std::string &disposition) {
        return json(post_form("/upload", "--edge\r\nContent-Disposition: form-data; " + disposition +
                                             "\r\n\r\n" + photo() + "\r\n--edge--\r\n"));
    };
    const auto other = refusal("name=\"image\"; filename=\"photo.jpg\"");
    EXPECT_EQ(other["code"], "multipart-invalid");
    EXPECT_EQ(other["detail"], "There is no field 'image' for a file.");
    EXPECT_NE(other["remedy"].get<std::string>().find("'file'"), std::string::npos);
    EXPECT_EQ(refusal("name=\"prompt\"")["detail"], "There is no option 'prompt'.");
    EXPECT_EQ(refusal("name=file; filename=me.jpg")["state"], "succeeded") << "unquoted";
    EXPECT_EQ(
        json(ask("POST", "/upload", "{}", {{"Content-Type", "application/json; charset=utf-8"}}))["detail"],
        "A body of type 'application/json' is not accepted.");
    EXPECT_EQ(json(post("/upload?style=foo/bar", photo()))["detail"],
              "'foo/bar' is not possible for the option 'style'.");
    const Answer hosts = raw("GET /livez HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n");
    EXPECT_EQ(code(hosts), "header-invalid");
    EXPECT_NE(json(hosts)["remedy"].get<std::string>().find("one Host"), std::string::npos);
}

TEST_F(Protocol, ANewcomerIsServedAtOnceHoweverManyAreIdle)
{
    options_.limits.max_connections = 20;
    options_.limits.header_timeout = 3600;
    start();
    std::list<Client> idle;
    for (int i = 0; i < 60; ++i)
        idle.emplace_back(port(), 100 + i % 10);
    EXPECT_EQ(request(port(), "GET", "/livez").status, 200);
    await_metric("anime_http_connections", [](double count) { return count <= 20; });
    EXPECT_TRUE(idle.front().ends());
    idle.back().send("GET /livez" + host);
    EXPECT_EQ(idle.back().receive().status, 200) << "the newest is still there";
}

TEST_F(Protocol, AClientThatSendsAllBeforeItReadsGetsItsAnswer)
{
    start();
    const std::string script = R"(
import urllib.request, urllib.error, sys
try:
    urllib.request.urlopen(urllib.request.Request(sys.argv[1], data=b'x' * 12700000, headers={'Content-Type': 'image/jpeg'}))
except urllib.error.HTTPError as error:
    print(error.code, error.headers['Content-Type'])
)";
    for (const char *path : {"/upload", "/v1/jobs", "/upload?style=none", "/nothing"})
        EXPECT_EQ(output_of("python3 -c \"" + script + "\" '" + url(path) + "'").substr(0, 3),
                  std::string(path) == "/nothing"       ? "404"
                  : std::string(path).ends_with("none") ? "400"
                                                        : "413")
            << path;
    EXPECT_EQ(output_of("head -c 12700000 /dev/zero | curl -s -H 'Content-Type: image/jpeg' -o /dev/null "
                        "-w '%{http_code}' --data-binary @- '" +
                        url("/upload") + "'"),
              "413");
}

TEST_F(Protocol, LinesAboutOneClientAreBounded)
{
    options_.limits.log_rate = 10;
    start();
    for (int i = 0; i < 50; ++i)
        request(port(), "GET", i % 2 ? "/" : "/nothing");
    EXPECT_EQ(request(port(), "GET", "/v1/limits", {}, {{"X-Request-ID", "other-1"}}, 9).status, 200);
    EXPECT_EQ(post("/upload", photo(), {{"X-Request-ID", "painted-1"}}).status, 200);
    await_metric("anime_access_lines_omitted_total", [](double count) { return count > 30; });
    int lines = 0;
    int omitted = 0;
    std::set<std::string> ids;
    for (const auto &line : log_lines()) {
        if (line["layer"] != "access")
            continue;
        lines += line["client"] == "127.0.0.1" && !line.contains("job");
        omitted += line.value("lines_omitted", 0);
        ids.insert(line["request_id"]);
    }
    EXPECT_GE(lines, 10);
    EXPECT_LT(lines, 20);
    EXPECT_EQ(lines + omitted, 50) << "the next line says how many are missing";
    EXPECT_TRUE(ids.contains("other-1")) << "of another client";
    EXPECT_TRUE(ids.contains("painted-1")) << "an upload's line is never left out";
}

} // namespace anime::service
