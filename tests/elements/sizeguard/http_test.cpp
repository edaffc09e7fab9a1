// SPDX-License-Identifier: LGPL-2.1-or-later
// sizeguard behind souphttpsrc, which fetches from a server inside of this program.
#include "elements/common/gst_raii.h"
#include "elements/sizeguard/gstsizeguard.h"
#include "tests/elements/sizeguard/test_images.h"

#include <gio/gio.h>
#include <gtest/gtest.h>

#include <atomic>
#include <string>

namespace anime::test
{

namespace
{

/// What the server answers to every request.
struct Answer {
    const char *status = "200 OK";
    const char *type = "image/jpeg";
    Data body = {};
    std::size_t declared = 0; ///< Content-Length; 0: none
};

class Server
{
public:
    explicit Server(Answer answer) : answer_(std::move(answer)), service_(g_threaded_socket_service_new(4))
    {
        port_ = g_socket_listener_add_any_inet_port(G_SOCKET_LISTENER(service_.get()), nullptr, nullptr);
        g_signal_connect(service_.get(), "run", G_CALLBACK(run), this);
        g_socket_service_start(service_.get());
        thread_ = g_thread_new("server", loop, this);
    }
    ~Server()
    {
        stop_ = true;
        g_main_context_wakeup(nullptr);
        g_thread_join(thread_);
        g_socket_service_stop(service_.get());
        g_socket_listener_close(G_SOCKET_LISTENER(service_.get()));
    }
    Server(const Server &) = delete;
    Server &operator=(const Server &) = delete;

    std::string url() const { return "http://127.0.0.1:" + std::to_string(port_) + "/photo"; }

private:
    static gpointer loop(gpointer self)
    {
        while (!static_cast<Server *>(self)->stop_)
            g_main_context_iteration(nullptr, TRUE);
        return nullptr;
    }

    static gboolean run(GThreadedSocketService *, GSocketConnection *connection, GObject *, gpointer self)
    {
        const Answer &answer = static_cast<Server *>(self)->answer_;
        char request[4096];
        g_input_stream_read(g_io_stream_get_input_stream(G_IO_STREAM(connection)), request, sizeof request,
                            nullptr, nullptr);
        std::string head = "HTTP/1.1 " + std::string(answer.status) +
                           "\r\nConnection: close\r\nContent-Type: " + answer.type + "\r\n";
        if (answer.declared)
            head += "Content-Length: " + std::to_string(answer.declared) + "\r\n";
        head += "\r\n";
        GOutputStream *out = g_io_stream_get_output_stream(G_IO_STREAM(connection));
        g_output_stream_write_all(out, head.data(), head.size(), nullptr, nullptr, nullptr);
        g_output_stream_write_all(out, answer.body.data(), answer.body.size(), nullptr, nullptr, nullptr);
        return TRUE;
    }

    Answer answer_;
    std::unique_ptr<GSocketService, Release<g_object_unref>> service_;
    guint16 port_ = 0;
    std::atomic<bool> stop_ = false;
    GThread *thread_ = nullptr;
};

struct Outcome {
    std::string code;    ///< of the error, or who posted it; empty: the stream ended well
    std::string verdict; ///< of sizeguard's message
    int width = 0;
    int height = 0;
};

Outcome fetch(const Server &server)
{
    Outcome outcome;
    const std::string line =
        "souphttpsrc name=source retries=0 location=" + server.url() + " ! sizeguard ! fakesink";
    const ElementPtr pipeline(gst_parse_launch(line.c_str(), nullptr));
    const std::unique_ptr<GstBus, Release<gst_object_unref>> bus(gst_element_get_bus(pipeline.get()));
    gst_element_set_state(pipeline.get(), GST_STATE_PLAYING);
    constexpr auto wanted =
        static_cast<GstMessageType>(GST_MESSAGE_ERROR | GST_MESSAGE_EOS | GST_MESSAGE_ELEMENT);
    outcome.code = "nothing happened for a minute";
    while (const MessagePtr message{gst_bus_timed_pop_filtered(bus.get(), 60 * GST_SECOND, wanted)}) {
        if (GST_MESSAGE_TYPE(message.get()) == GST_MESSAGE_EOS) {
            outcome.code.clear();
            break;
        }
        if (GST_MESSAGE_TYPE(message.get()) == GST_MESSAGE_ELEMENT) {
            const GstStructure *fields = gst_message_get_structure(message.get());
            if (!gst_structure_has_name(fields, "sizeguard"))
                continue;
            outcome.verdict = gst_structure_get_string(fields, "verdict");
            gst_structure_get_int(fields, "width", &outcome.width);
            gst_structure_get_int(fields, "height", &outcome.height);
            continue;
        }
        const GstStructure *details = nullptr;
        gst_message_parse_error_details(message.get(), &details);
        const char *code = details ? gst_structure_get_string(details, "code") : nullptr;
        const bool of_flow = details && gst_structure_has_field(details, "flow-return");
        outcome.code = code ? code : std::string("from ") + GST_MESSAGE_SRC_NAME(message.get());
        // The source may tell of the broken flow before sizeguard tells of its cause.
        if (!of_flow)
            break;
    }
    gst_element_set_state(pipeline.get(), GST_STATE_NULL);
    return outcome;
}

class SizeguardBehindHttp : public testing::Test
{
protected:
    void SetUp() override
    {
        GST_ELEMENT_REGISTER(sizeguard, nullptr);
        const std::unique_ptr<GstElementFactory, Release<gst_object_unref>> factory(
            gst_element_factory_find("souphttpsrc"));
        if (!factory)
            GTEST_SKIP() << "there is no souphttpsrc (gstreamer1.0-plugins-good)";
    }

    Data photo_ = make_image({.suffix = ".jpg", .width = 300, .height = 200});
};

TEST_F(SizeguardBehindHttp, APhotoPasses)
{
    for (const std::size_t declared : {photo_.size(), std::size_t{0}}) {
        const Server server({.body = photo_, .declared = declared});
        const Outcome outcome = fetch(server);
        EXPECT_EQ(outcome.code, "");
        EXPECT_EQ(outcome.verdict, "passed");
        EXPECT_EQ(outcome.width, 300);
        EXPECT_EQ(outcome.height, 200);
    }
}

TEST_F(SizeguardBehindHttp, ADeclaredLengthIsRefusedWithoutTheBody)
{
    const Server server({.body = photo_, .declared = 6u << 20});
    EXPECT_EQ(fetch(server).code, "size-bytes");
}

TEST_F(SizeguardBehindHttp, AnUndeclaredLengthIsCounted)
{
    Data much = photo_;
    much.resize(6u << 20);
    const Server server({.body = much});
    EXPECT_EQ(fetch(server).code, "size-bytes");
}

TEST_F(SizeguardBehindHttp, WhatIsNoPhotoIsRefusedByItsBytes)
{
    const Server server({.body = bytes_of("<!DOCTYPE html><html><body>Sign in first</body></html>")});
    EXPECT_EQ(fetch(server).code, "format-unsupported");
}

TEST_F(SizeguardBehindHttp, AMissingPhotoIsTheSourcesError)
{
    const Server server({.status = "404 Not Found", .type = "text/html"});
    EXPECT_EQ(fetch(server).code, "from source");
}

} // namespace

} // namespace anime::test
