// SPDX-License-Identifier: LGPL-2.1-or-later
// Exceptions at libmicrohttpd's callbacks: thrown from each of them, and by every larger allocation in turn.
// The client gets an answer or the end of its connection, the next one is served, and nothing else happens.
#include "tests/service/fixture.h"

#include <pthread.h>

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <mutex>
#include <new>
#include <string_view>

namespace
{

/// Allocations that the threads of HTTP servers may still make; negative: any number.
std::atomic<long> allocations_left{-1};
/// Smaller ones never fail: the destructor of nlohmann's JSON allocates a few words for each of its values,
/// and ends the process if it can't.
constexpr std::size_t least_that_fails = 1024;

bool serves_http()
{
    static thread_local int known = -1;
    if (known < 0) {
        std::array<char, 16> name{};
        pthread_getname_np(pthread_self(), name.data(), name.size());
        known = std::string_view(name.data()).starts_with("MHD-");
    }
    return known == 1;
}

void *allocate(std::size_t size, std::size_t alignment = alignof(std::max_align_t))
{
    if (size >= least_that_fails && allocations_left >= 0 && serves_http() && allocations_left-- <= 0)
        throw std::bad_alloc();
    void *memory = nullptr;
    if (posix_memalign(&memory, std::max(alignment, sizeof(void *)), size) != 0)
        throw std::bad_alloc();
    return memory;
}

} // namespace

void *operator new(std::size_t size)
{
    return allocate(size);
}
void *operator new(std::size_t size, const std::nothrow_t &) noexcept
{
    try {
        return allocate(size);
    } catch (const std::bad_alloc &) {
        return nullptr;
    }
}
void *operator new(std::size_t size, std::align_val_t alignment)
{
    return allocate(size, static_cast<std::size_t>(alignment));
}
void operator delete(void *memory) noexcept
{
    std::free(memory);
}
void operator delete(void *memory, std::size_t) noexcept
{
    std::free(memory);
}
void operator delete(void *memory, std::align_val_t) noexcept
{
    std::free(memory);
}
void operator delete(void *memory, std::size_t, std::align_val_t) noexcept
{
    std::free(memory);
}

namespace anime::service
{

namespace
{

/// Throws where it is told to.
class Thrower final : public Handler
{
public:
    void throw_at(const std::string &where)
    {
        const std::lock_guard guard(lock_);
        at_ = where;
    }
    void maybe(const std::string &where) const
    {
        const std::lock_guard guard(lock_);
        if (where == at_)
            throw std::runtime_error("thrown from " + where);
    }
    std::unique_ptr<Exchange> open(RequestHead head) override;
    void refused_head(const std::string &, int) override { maybe("refused_head"); }

private:
    mutable std::mutex lock_;
    std::string at_;
};

class ThrowingExchange final : public Exchange
{
public:
    ThrowingExchange(RequestHead head, const Thrower &thrower) : Exchange(std::move(head)), thrower_(thrower)
    {
    }

    std::optional<Response> begin() override
    {
        thrower_.maybe("begin");
        return std::nullopt;
    }
    std::optional<Response> feed(std::string_view) override
    {
        thrower_.maybe("feed");
        return std::nullopt;
    }
    std::optional<Response> finish() override
    {
        thrower_.maybe("finish");
        Response response;
        if (head.path == "/later") {
            suspension->wake();
            return std::nullopt;
        }
        if (head.path == "/events")
            response.body = EventBody{[this]() -> std::optional<std::string> {
                thrower_.maybe("an event");
                return std::nullopt;
            }};
        return response;
    }
    std::optional<Response> resume() override
    {
        thrower_.maybe("resume");
        return Response{};
    }
    Response late() const override
    {
        thrower_.maybe("late");
        return plain(408);
    }
    Response refused(Refusal, const std::string &) override
    {
        thrower_.maybe("refused");
        return plain(503);
    }
    void completed() override { thrower_.maybe("completed"); }

private:
    static Response plain(int status)
    {
        Response response;
        response.status = status;
        response.body = std::string("text");
        return response;
    }

    const Thrower &thrower_;
};

std::unique_ptr<Exchange> Thrower::open(RequestHead head)
{
    maybe("open");
    return std::make_unique<ThrowingExchange>(std::move(head), *this);
}

class Wall : public testing::Test
{
protected:
    Wall()
    {
        settings_.complain = [this](const std::string &text) {
            const std::lock_guard guard(lock_);
            complaints_ += text + "\n";
        };
        settings_.trusted = [this](const std::string &) {
            handler_.maybe("trusted");
            return false;
        };
        settings_.most_connections_per_client = 1; // so that `trusted` is asked about the second
        settings_.log = [this](const std::string &) { handler_.maybe("log"); };
    }

    std::string complaints()
    {
        const std::lock_guard guard(lock_);
        return complaints_;
    }

    Thrower handler_;
    ServerSettings settings_;

private:
    std::mutex lock_;
    std::string complaints_;
};

} // namespace

TEST_F(Wall, HoldsWhereverTheServiceThrows)
{
    struct Case {
        const char *at;
        std::string request;
        std::set<int> statuses; ///< 0: the connection ends
    };
    const std::string end = " HTTP/1.1\r\nHost: x\r\n";
    const std::string get = "GET /" + end + "\r\n";
    const std::string post = "POST /" + end + "Content-Length: 3\r\n\r\nabc";
    const std::string options(1000, '&');
    const Case cases[] = {
        {"open", get, {0}},
        {"begin", get, {503}},
        {"feed", post, {503}},
        {"late", post, {503}},
        {"finish", get, {503}},
        {"resume", "GET /later" + end + "\r\n", {503}},
        {"completed", get, {200}},
        {"an event", "GET /events" + end + "\r\n", {200}},
        {"refused", "GET /" + end + "Host: y\r\n\r\n", {0}},
        {"refused", "GET /?" + options + end + "\r\n", {0, 200}},
        {"refused_head", "GET /" + end + "Content-Length: many\r\n\r\n", {400}},
        {"log", "GET /" + end + "Content-Length: many\r\n\r\n", {400}},
        {"trusted", get, {0}},
    };
    for (const Case &c : cases) {
        SCOPED_TRACE(c.at);
        handler_.throw_at({});
        HttpServer server(settings_, handler_);
        const Client first(server.port());
        handler_.throw_at(c.at);
        {
            Client client(server.port(), c.at == std::string("trusted") ? 1 : 2);
            client.send(c.request);
            const int status = client.receive(true).status;
            EXPECT_TRUE(c.statuses.contains(status)) << status;
        }
        const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
        while (complaints().find(std::string("thrown from ") + c.at) == std::string::npos &&
               std::chrono::steady_clock::now() < end)
            std::this_thread::yield();
        EXPECT_NE(complaints().find(std::string("thrown from ") + c.at), std::string::npos) << complaints();
        handler_.throw_at({});
        EXPECT_EQ(request(server.port(), "GET", "/", {}, {}, 3).status, 200);
    }
}

using WallWithoutMemory = ServiceTest;

TEST_F(WallWithoutMemory, HoldsWhicheverAllocationFails)
{
    start();
    const std::string id = create("/v1/jobs", photo());
    ASSERT_EQ(finished(id)["state"], "succeeded");
    const std::string body = form(photo(), {{"strength", "0.5"}});
    const std::pair<const char *, std::function<int()>> requests[] = {
        {"limits", [&] { return request(port(), "GET", "/v1/limits?a=b").status; }},
        {"result", [&] { return request(port(), "GET", "/v1/jobs/" + id + "/result").status; }},
        {"events", [&] { return request(port(), "GET", "/v1/jobs/" + id + "/events").status; }},
        {"upload",
         [&] {
             return request(port(), "POST", "/upload", body, {{"Content-Type", form_type}}).status;
         }},
        {"metrics", [&] { return request(service_->metrics_port(), "GET", "/metrics").status; }},
    };
    int failures = 0;
    for (const auto &[name, ask] : requests) {
        bool failed = true;
        for (long number = 0; failed; ++number) {
            SCOPED_TRACE(std::string(name) + ", allocation " + std::to_string(number));
            allocations_left = number;
            const int status = ask();
            failed = allocations_left.exchange(-1) < 0;
            failures += failed;
            EXPECT_TRUE(status == 0 || status == 200 || status == 503) << status;
            ASSERT_EQ(request(port(), "GET", "/livez").status, 200);
        }
    }
    EXPECT_GT(failures, 10);
}

} // namespace anime::service
