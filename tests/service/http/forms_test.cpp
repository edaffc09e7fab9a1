// SPDX-License-Identifier: LGPL-2.1-or-later
// Forms as they come over a network: cut anywhere, in any order, with parts that are nameless or too large.
#include "tests/service/fixture.h"

namespace anime::service
{

namespace
{

const std::string form_head =
    "POST /v1/jobs HTTP/1.1\r\nHost: x\r\nPrefer: wait=15\r\nContent-Type: " + std::string(form_type) +
    "\r\nTransfer-Encoding: chunked\r\n\r\n";

/// libmicrohttpd hands over each chunk by itself, whatever the segments were.
std::string chunk(const std::string &bytes)
{
    char length[16];
    std::snprintf(length, sizeof length, "%zx\r\n", bytes.size());
    return length + bytes + "\r\n";
}

const std::string last_chunk = "0\r\n\r\n";

std::string part(const std::string &disposition, const std::string &value)
{
    return "--edge\r\nContent-Disposition: form-data" + disposition + "\r\n\r\n" + value + "\r\n";
}

class Forms : public ServiceTest
{
protected:
    /// The form in chunks, over one connection.
    void expect_painted(Client &client, const std::string &chunks)
    {
        ASSERT_TRUE(client.send(form_head + chunks + last_chunk));
        const Answer answer = client.receive();
        ASSERT_EQ(answer.status, 200) << answer.body;
        const auto options = json(answer)["options"];
        EXPECT_EQ(options["strength"], 0.5);
        EXPECT_EQ(options["faces"], false);
        EXPECT_EQ(json(answer)["file"]["name"], "me.jpg");
    }
};

} // namespace

TEST_F(Forms, AreTheSameWhereverTheyAreCut)
{
    start();
    Client client(port());
    const std::string whole = form(photo(), {{"strength", "0.5"}, {"faces", "0"}});
    // At every byte of the text around the photo, and of its first and last bytes
    // (tests/service/multipart_test cuts a form at all of its bytes).
    const std::size_t picture = whole.find(photo());
    for (std::size_t cut = 1; cut < whole.size(); ++cut) {
        if (cut == picture + 8)
            cut = picture + photo().size() - 8;
        SCOPED_TRACE("cut after " + std::to_string(cut) + " bytes");
        expect_painted(client, chunk(whole.substr(0, cut)) + chunk(whole.substr(cut)));
        if (HasFatalFailure())
            return;
    }
}

TEST_F(Forms, AreTheSameByteByByte)
{
    start();
    Client client(port());
    std::string bytes;
    for (const char byte : form(photo(), {{"strength", "0.5"}, {"faces", "0"}}))
        bytes += chunk({byte});
    expect_painted(client, bytes);
}

TEST_F(Forms, HaveOneFile)
{
    start();
    const std::string file = part("; name=\"file\"", photo());
    EXPECT_EQ(code(post_form("/upload", file + file + "--edge--\r\n")), "multipart-invalid");
    EXPECT_EQ(code(post_form("/upload", file + part("; name=\"faces\"", "0") + file + "--edge--\r\n")),
              "multipart-invalid");
}

TEST_F(Forms, NameTheirParts)
{
    start();
    for (const char *nameless : {"", "; name=\"\""})
        EXPECT_EQ(code(post_form("/upload", part(nameless, "0.") + form(photo(), {{"strength", "5"}}))),
                  "multipart-invalid");
}

TEST_F(Forms, TheirTypeMayHaveBlanks)
{
    start();
    EXPECT_EQ(ask("POST", "/upload", form(photo()), {{"Content-Type", "multipart/form-data ; boundary=edge"}})
                  .status,
              200);
}

TEST_F(Forms, AFileIsAsLimitedAsABarePhoto)
{
    options_.limits.max_bytes = 100000;
    start();
    const auto expect_refused = [](const Answer &answer, std::uint64_t actual) {
        EXPECT_EQ(code(answer), "size-bytes");
        EXPECT_EQ(json(answer)["limit"], 100000);
        EXPECT_EQ(json(answer)["actual"], actual);
    };
    const std::string large = form(std::string(150000, 'x'));
    expect_refused(post_form("/upload", large), large.size());
    // Small enough as a form, so that the file itself is counted.
    expect_refused(post_form("/upload", form(std::string(100001, 'x'))), 100001);
    Client client(port());
    client.send(form_head + chunk(form(std::string(100001, 'x'))) + last_chunk);
    expect_refused(client.receive(), 100001);
    EXPECT_EQ(post_form("/upload", form(std::string(100000, 'x'))).status, 422)
        << "no photo, but not too large";
}

TEST_F(Forms, TheFormatIsThatOfThePipelineWhicheverComesFirst)
{
    options_.pipeline = "slow"; // makes no PNG
    start();
    EXPECT_EQ(json(post("/v1/jobs?format=png&pipeline=web", photo()))["options"]["format"], "png");
    EXPECT_EQ(code(post("/v1/jobs?format=png", photo())), "option-invalid");
    const std::string file = form(photo(), {{"pipeline", "web"}});
    EXPECT_EQ(json(post_form("/v1/jobs?format=png", file))["options"]["format"], "png");
}

} // namespace anime::service
