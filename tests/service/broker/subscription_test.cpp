// SPDX-License-Identifier: LGPL-2.1-or-later
// A subscription on a real nats-server: it hears, and may be given up at any moment.
#include "service/broker/message.h"

#include <gio/gio.h>
#include <gtest/gtest.h>

#include <dlfcn.h>
#include <malloc.h>
#include <sys/prctl.h>

#include <csignal>
#include <future>
#include <memory>
#include <string>

namespace anime::service::broker
{
namespace
{

using namespace std::chrono_literals;

struct Unref {
    void operator()(gpointer object) const { g_object_unref(object); }
};

/// A nats-server of its own, on a port that it chooses itself.
class Subscriptions : public ::testing::Test
{
protected:
    void SetUp() override
    {
        if (!std::unique_ptr<char, decltype(&g_free)>(g_find_program_in_path("nats-server"), g_free))
            GTEST_SKIP() << "there is no nats-server (packaging/install-packages test)";
        const std::unique_ptr<GSubprocessLauncher, Unref> launcher(
            g_subprocess_launcher_new(G_SUBPROCESS_FLAGS_STDERR_PIPE));
        // Also where a test crashes.
        g_subprocess_launcher_set_child_setup(
            launcher.get(), [](gpointer) { prctl(PR_SET_PDEATHSIG, SIGKILL); }, nullptr, nullptr);
        GError *error = nullptr;
        server_.reset(g_subprocess_launcher_spawn(launcher.get(), &error, "nats-server", "-a", "127.0.0.1",
                                                  "-p", "-1", nullptr));
        ASSERT_TRUE(server_) << error->message;
        stderr_.reset(g_data_input_stream_new(g_subprocess_get_stderr_pipe(server_.get())));
        const std::string url = address();
        natsOptions *made = nullptr;
        ASSERT_EQ(natsOptions_Create(&made), NATS_OK);
        const std::unique_ptr<natsOptions, decltype(&natsOptions_Destroy)> options(made, natsOptions_Destroy);
        natsOptions_SetURL(made, url.c_str());
        natsOptions_SetTimeout(made, 20'000);
        natsConnection *connection = nullptr;
        ASSERT_EQ(natsConnection_Connect(&connection, made), NATS_OK) << url;
        connection_ = {connection, natsConnection_Destroy};
    }

    void TearDown() override
    {
        retired_.reset(); // holds the connection too, which must not be trying to come back
        connection_.reset();
        if (server_) {
            g_subprocess_force_exit(server_.get());
            g_subprocess_wait(server_.get(), nullptr, nullptr);
        }
    }

    std::unique_ptr<Subscription> subscribe(const std::string &subject)
    {
        return std::make_unique<Subscription>(connection_, retired_, subject);
    }

    void publish(const std::string &subject, const std::string &text)
    {
        EXPECT_EQ(natsConnection_PublishString(connection_.get(), subject.c_str(), text.c_str()), NATS_OK);
    }

    /// What was sent before has come back, and was handed to whom it concerns.
    void flush() { EXPECT_EQ(natsConnection_FlushTimeout(connection_.get(), 20'000), NATS_OK); }

    std::shared_ptr<natsConnection> connection_;

private:
    /// As the server tells it once it listens.
    std::string address()
    {
        const std::string said = "Listening for client connections on ";
        std::string all;
        while (gchar *text = g_data_input_stream_read_line(stderr_.get(), nullptr, nullptr, nullptr)) {
            const std::string line = text;
            g_free(text);
            if (const auto at = line.find(said); at != std::string::npos)
                return "nats://" + line.substr(at + said.size());
            all += line + "\n";
        }
        ADD_FAILURE() << "nats-server did not start: " << all;
        return "";
    }

    std::unique_ptr<GSubprocess, Unref> server_;
    std::unique_ptr<GDataInputStream, Unref> stderr_;
    std::shared_ptr<Retired> retired_ = std::make_shared<Retired>();
};

TEST_F(Subscriptions, HearWhatComesOnTheirSubject)
{
    const auto subscription = subscribe("anime.here");
    EXPECT_FALSE(subscription->next(1ms));
    publish("anime.elsewhere", "not for it");
    publish("anime.here", "for it");
    const std::optional<Message> message = subscription->next(20s);
    ASSERT_TRUE(message);
    EXPECT_EQ(message->data(), "for it");
    EXPECT_EQ(message->subject(), "anime.here");
}

/// Stops libnats' read loop where it knows whom a message is for and has not locked that yet.
class Hold
{
public:
    /// The hook that libnats' own tests use, which no header of its package declares.
    using Filter = void (*)(natsConnection *, natsMsg **, void *);
    using SetFilter = void (*)(natsConnection *, Filter, void *);

    static SetFilter set_filter()
    {
        return reinterpret_cast<SetFilter>(dlsym(RTLD_DEFAULT, "natsConn_setFilterWithClosure"));
    }

    static void on_message(natsConnection *, natsMsg **, void *hold)
    {
        auto *self = static_cast<Hold *>(hold);
        self->reached.set_value();
        self->go_on.get_future().wait();
    }

    std::promise<void> reached;
    std::promise<void> go_on;
};

// libnats before 3.6 goes on with the subscription that it has found (nats.c #637). Where its memory was let
// go of, what stood there is overwritten, and the read loop crashes.
TEST_F(Subscriptions, MayBeGivenUpWhileAMessageIsOnItsWayToThem)
{
    const Hold::SetFilter set_filter = Hold::set_filter();
    if (!set_filter)
        GTEST_SKIP() << "this libnats shows no hook to stop its read loop at";
    mallopt(M_PERTURB, 0x5a);
    auto subscription = subscribe("anime.here");
    Hold hold;
    set_filter(connection_.get(), Hold::on_message, &hold);
    publish("anime.here", "too late");
    hold.reached.get_future().wait();
    subscription.reset();
    set_filter(connection_.get(), nullptr, nullptr);
    hold.go_on.set_value();
    flush();

    const auto next = subscribe("anime.here");
    publish("anime.here", "in time");
    const std::optional<Message> message = next->next(20s);
    ASSERT_TRUE(message);
    EXPECT_EQ(message->data(), "in time");
}

} // namespace
} // namespace anime::service::broker
