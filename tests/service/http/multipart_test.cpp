// SPDX-License-Identifier: LGPL-2.1-or-later
// Forms and header fields as clients write them: cut anywhere, in every legal spelling, and malformed.
#include "service/http/fields.h"
#include "service/http/multipart.h"

#include <gtest/gtest.h>

#include <map>
#include <vector>

namespace anime::service
{

namespace
{

/// Writes down what it is told.
struct Recorder : FormParts {
    bool begin_part(const PartHead &head) override
    {
        told += "[" + head.name + (head.file_name ? "|" + *head.file_name : "") +
                (head.media_type.empty() ? "" : "|" + head.media_type) + "]";
        return head.name != refused;
    }
    bool part_data(std::string_view data) override
    {
        told += data;
        return true;
    }
    bool end_part() override
    {
        told += ".";
        return true;
    }
    std::string told;
    std::string refused = "-";
};

/// What the parts were told, then the fault or "incomplete".
std::string read(const std::string &form, std::size_t piece = 1000, const std::string &boundary = "b")
{
    Recorder recorder;
    MultipartReader reader(boundary, recorder);
    for (std::size_t at = 0; at < form.size(); at += piece)
        if (!reader.feed(std::string_view(form).substr(at, piece)))
            return recorder.told + "!" + reader.fault();
    return recorder.told + (reader.complete() ? "" : " incomplete");
}

std::string part(const std::string &parameters, const std::string &value, const std::string &more = {})
{
    return "--b\r\nContent-Disposition: form-data" + parameters + "\r\n" + more + "\r\n" + value + "\r\n";
}

} // namespace

TEST(Multipart, IsTheSameWhereverItIsCut)
{
    const std::string form =
        "a preamble\r\n" + part("; name=\"one\"", "1\r\n--a\r\n--\r\n-") +
        part("; name=\"two\"; filename=\"me.jpg\"", "", "Content-Type: image/JPEG; x=y\r\n") +
        part("; name=three", std::string("\0\xff\r", 3)) + "--b--\r\nan epilogue";
    const std::string told =
        "[one]1\r\n--a\r\n--\r\n-.[two|me.jpg|image/jpeg].[three]" + std::string("\0\xff\r", 3) + ".";
    for (std::size_t piece = 1; piece <= form.size(); ++piece)
        ASSERT_EQ(read(form, piece), told) << piece;
}

TEST(Multipart, NamesAreReadInEverySpelling)
{
    const std::pair<const char *, const char *> cases[] = {
        {"; name=\"file\"", "[file]"},
        {"; name=file", "[file]"},
        {";name=file;filename=a.jpg", "[file|a.jpg]"},
        {"; NAME=file ; FileName = \"a b.jpg\"", "[file|a b.jpg]"},
        {"; filename=\"a;name=x.jpg\"; name=\"file\"", "[file|a;name=x.jpg]"},
        {"; name=\"file\"; filename=\"a\\\"b.jpg\"", "[file|a\"b.jpg]"},
        {"; name=\"file\"; filename=\"C:\\photos\\me.jpg\"", "[file|C:\\photos\\me.jpg]"},
        {"; name=\"file\"; filename=\"x.jpg\"; filename*=UTF-8''caf%C3%A9.jpg", "[file|caf\xc3\xa9.jpg]"},
        {"; name=\"file\"; filename*=latin1''caf%E9.jpg", "[file]"},
        {"; name=\"file\"; filename=\"\"", "[file|]"},
        {"; name=a; name=b", "[a]"},
        {"", "[]"},
        {"; name", "[]"},
        {"; name=\"", "[]"},
    };
    for (const auto &[parameters, told] : cases)
        EXPECT_EQ(read(part(parameters, "v") + "--b--\r\n"), std::string(told) + "v.") << parameters;
}

TEST(Multipart, SaysWhatIsWrong)
{
    EXPECT_NE(read("--b oops\r\n").find("follows a boundary"), std::string::npos);
    EXPECT_NE(read("--b\r\nno colon\r\n\r\nx").find("no colon"), std::string::npos);
    EXPECT_NE(read("--b\r\nX: " + std::string(5000, 'x')).find("larger than 4096"), std::string::npos);
    EXPECT_EQ(read("--b\r\n\r\nx\r\n--b--"), "[]x.") << "no head at all is a part without a name";
    EXPECT_EQ(read(part("; name=-", "x")), "[-]!") << "what the parts refuse is no fault of the form";
    for (const char *cut : {"", "--b", "--b\r\n", "nothing of the kind"})
        EXPECT_EQ(read(cut), " incomplete") << cut;
    EXPECT_EQ(read(part("; name=a", "x")), "[a] incomplete") << "its last bytes may belong to a boundary";
}

TEST(Multipart, TheBoundaryIsThatOfTheContentType)
{
    const std::map<std::string, std::optional<std::string>> cases = {
        {"multipart/form-data; boundary=edge", "edge"},
        {"multipart/form-data ; charset=utf-8; BOUNDARY=\"a b:c\"", "a b:c"},
        {"multipart/form-data", std::nullopt},
        {"multipart/form-data; boundary=", std::nullopt},
        {"multipart/form-data; boundary=\"ends \"", std::nullopt},
        {"multipart/form-data; boundary=caf\xc3\xa9", std::nullopt},
        {"multipart/form-data; boundary=" + std::string(71, 'x'), std::nullopt},
        {"multipart/form-data; boundary=" + std::string(70, 'x'), std::string(70, 'x')},
    };
    for (const auto &[type, boundary] : cases)
        EXPECT_EQ(MultipartReader::boundary_of(type), boundary) << type;
}

TEST(Target, IsThePathOfWhateverFormItHas)
{
    EXPECT_EQ(path_of_target("/livez"), "/livez");
    EXPECT_EQ(path_of_target("http://example.org/livez"), "/livez");
    EXPECT_EQ(path_of_target("HTTPS://example.org:8080/a/b"), "/a/b");
    EXPECT_EQ(path_of_target("http://example.org"), "/");
    EXPECT_EQ(path_of_target("*"), "*");
}

TEST(Unescape, LeavesNoWayToEndAStringEarly)
{
    const std::pair<const char *, const char *> cases[] = {
        {"a%20b", "a b"}, {"%c3%A9", "\xc3\xa9"}, {"x%00y", "x%00y"},
        {"%", "%"},       {"%4", "%4"},           {"%zz", "%zz"},
        {"", ""}};
    for (const auto &[escaped, plain] : cases) {
        std::string text = escaped;
        text.resize(unescape(text.data()));
        EXPECT_EQ(text, plain);
    }
}

} // namespace anime::service
