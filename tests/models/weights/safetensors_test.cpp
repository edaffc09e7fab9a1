// SPDX-License-Identifier: LGPL-2.1-or-later
// What the reader of .safetensors accepts, and everything that it must not.
#include "models/weights/safetensors.h"

#include "models/error.h"
#include "models/weights/mapped_file.h"
#include "tests/models/temporary_folder.h"
#include "tests/models/tiny_models.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <fstream>

namespace anime
{
namespace
{

using testing::ElementsAre;
using testing::HasSubstr;

/// Header length, header, data.
std::string file_of(const std::string &header, const std::string &data)
{
    const std::uint64_t length = header.size();
    std::string file(sizeof length, '\0');
    std::memcpy(file.data(), &length, sizeof length);
    return file + header + data;
}

Safetensors parse(const std::string &file)
{
    return parse_safetensors({reinterpret_cast<const std::byte *>(file.data()), file.size()}, "test");
}

std::string bytes_of(const std::vector<std::uint16_t> &values)
{
    return {reinterpret_cast<const char *>(values.data()), 2 * values.size()};
}

TEST(Safetensors, WhatIsWrittenIsReadBack)
{
    const test::TemporaryFolder folder;
    const Safetensors written = test::lite_model(4, 6, 1, true);
    write_safetensors(folder.path() / "m.safetensors", written);
    const MappedFile file(folder.path() / "m.safetensors");
    const Safetensors read = parse_safetensors(file.bytes(), "m");
    EXPECT_EQ(read.metadata, written.metadata);
    ASSERT_EQ(read.tensors.size(), written.tensors.size());
    for (const auto &[name, weight] : written.tensors) {
        EXPECT_EQ(read.tensors.at(name)->shape, weight->shape);
        EXPECT_EQ(read.tensors.at(name)->data, weight->data);
    }
    EXPECT_FALSE(std::filesystem::exists(folder.path() / "m.safetensors.part"));
}

TEST(Safetensors, AWriteThatFailsLeavesNothing)
{
    const test::TemporaryFolder folder;
    EXPECT_THROW(write_safetensors(folder.path() / "missing" / "m.safetensors", test::lite_model()),
                 std::filesystem::filesystem_error);
    EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

// Smallest subnormal, -0, largest, one third.
TEST(Safetensors, HalfPrecisionIsWidenedExactly)
{
    const Safetensors read = parse(file_of(R"({"h":{"dtype":"F16","shape":[4],"data_offsets":[0,8]}})",
                                           bytes_of({0x0001, 0x8000, 0x7BFF, 0x3555})));
    EXPECT_THAT(read.tensors.at("h")->data, ElementsAre(0x1p-24F, -0.0F, 65504.0F, 0.333251953125F));
}

TEST(Safetensors, BfloatIsWidenedExactly)
{
    const Safetensors read = parse(file_of(R"({"b":{"dtype":"BF16","shape":[2,1],"data_offsets":[0,4]}}   )",
                                           bytes_of({0x3F80, 0xC049})));
    EXPECT_THAT(read.tensors.at("b")->shape, ElementsAre(2, 1));
    EXPECT_THAT(read.tensors.at("b")->data, ElementsAre(1.0F, -3.140625F));
}

// Refusing values that are not finite is the graph's part; here they only have to stay what they are.
TEST(Safetensors, HalfInfinityAndNanStayWhatTheyAre)
{
    const Safetensors read = parse(
        file_of(R"({"h":{"dtype":"F16","shape":[2],"data_offsets":[0,4]}})", bytes_of({0xFC00, 0x7E00})));
    EXPECT_EQ(read.tensors.at("h")->data[0], -INFINITY);
    EXPECT_TRUE(std::isnan(read.tensors.at("h")->data[1]));
}

struct HostileCase {
    const char *what;
    std::string file;
    const char *message;
};

std::string one(const std::string &entry, std::size_t data_bytes = 8)
{
    return file_of("{\"a\":" + entry + "}", std::string(data_bytes, '\0'));
}

std::string many_tensors()
{
    std::string header = "{";
    for (std::size_t i = 0; i <= max_tensors + 1; ++i)
        header +=
            (i ? ",\"" : "\"") + std::to_string(i) + R"(":{"dtype":"F32","shape":[],"data_offsets":[0,4]})";
    return file_of(header + "}", "0000");
}

class SafetensorsRefuses : public testing::TestWithParam<HostileCase>
{
};

TEST_P(SafetensorsRefuses, WithoutHarm)
{
    try {
        parse(GetParam().file);
        FAIL() << GetParam().what;
    } catch (const Error &error) {
        EXPECT_EQ(error.code(), "model-invalid");
        EXPECT_THAT(error.what(), HasSubstr(GetParam().message));
        EXPECT_FALSE(error.remedy().empty());
    }
}

const std::string good = R"({"dtype":"F32","shape":[2],"data_offsets":[0,8]})";

INSTANTIATE_TEST_SUITE_P(
    All, SafetensorsRefuses,
    testing::Values(
        HostileCase{"empty", "", "only 0 bytes"}, HostileCase{"too short", "1234567", "only 7 bytes"},
        HostileCase{"a page of HTML", "<!DOCTYPE html><html></html>", "its header would have"},
        HostileCase{"a zip archive", std::string("PK\3\4\0\0\0\0\0\0\0\0", 12), "its header would have"},
        HostileCase{"length of 2^64-1", std::string(16, '\xff'),
                    "its header would have 18446744073709551615"},
        HostileCase{"length beyond the file", one(good).substr(0, 20), "ends inside its header"},
        HostileCase{"no header", file_of("", ""), "not a JSON object"},
        HostileCase{"bad JSON", file_of("{\"a\":", "0000"), "not a JSON object"},
        HostileCase{"a list", file_of("[1]", ""), "not a JSON object"},
        HostileCase{"invalid UTF-8", file_of("{\"\xff\xfe\":1}", ""), "not a JSON object"},
        HostileCase{"text after the header", file_of("{} x", ""), "not a JSON object"},
        HostileCase{"a name twice", file_of("{\"a\":" + good + ",\"a\":" + good + "}", std::string(8, '\0')),
                    "names 'a' twice"},
        HostileCase{"a key twice", one(R"({"dtype":"F32","shape":[2],"shape":[2],"data_offsets":[0,8]})"),
                    "names 'shape' twice"},
        HostileCase{"deep nesting", file_of("{\"a\":" + std::string(100000, '['), ""), "nested too deeply"},
        HostileCase{"long name",
                    file_of("{\"" + std::string(300, 'a') + "\":" + good + "}", std::string(8, '\0')),
                    "longer than 256 bytes"},
        HostileCase{"too many tensors", many_tensors(), "more than 4096 tensors"},
        HostileCase{"not an object", one("7"), "exactly dtype, shape and data_offsets"},
        HostileCase{"without shape", one(R"({"dtype":"F32","data_offsets":[0,8]})"), "exactly dtype"},
        HostileCase{"with more", one(R"({"dtype":"F32","shape":[2],"data_offsets":[0,8],"x":1})"),
                    "exactly dtype"},
        HostileCase{"another dtype", one(R"({"dtype":"F64","shape":[1],"data_offsets":[0,8]})"), "'F64'"},
        HostileCase{
            "a long dtype",
            one(R"({"dtype":")" + std::string(100000, 'F') + R"(","shape":[2],"data_offsets":[0,8]})"),
            "a dtype of 100000 bytes"},
        HostileCase{"dtype as number", one(R"({"dtype":32,"shape":[2],"data_offsets":[0,8]})"),
                    "not a string"},
        HostileCase{"shape as text", one(R"({"dtype":"F32","shape":"2","data_offsets":[0,8]})"),
                    "list of at most 8"},
        HostileCase{"negative size", one(R"({"dtype":"F32","shape":[-2],"data_offsets":[0,8]})"),
                    "list of at most 8"},
        HostileCase{"broken size", one(R"({"dtype":"F32","shape":[2.5],"data_offsets":[0,8]})"),
                    "list of at most 8"},
        HostileCase{"rank 9", one(R"({"dtype":"F32","shape":[1,1,1,1,1,1,1,1,2],"data_offsets":[0,8]})"),
                    "list of at most 8"},
        HostileCase{"no values", one(R"({"dtype":"F32","shape":[0],"data_offsets":[0,0]})", 0), "can't hold"},
        HostileCase{"size that overflows",
                    one(R"({"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,8]})"),
                    "can't hold"},
        HostileCase{"product that overflows",
                    one(R"({"dtype":"F32","shape":[8,8,8,8,8,8,8,8],"data_offsets":[0,8]})"),
                    "not its shape times its dtype"},
        HostileCase{"one offset", one(R"({"dtype":"F32","shape":[2],"data_offsets":[8]})"),
                    "not two positions"},
        HostileCase{"offsets reversed", one(R"({"dtype":"F32","shape":[2],"data_offsets":[8,0]})"),
                    "outside the file"},
        HostileCase{"beyond the end", one(R"({"dtype":"F32","shape":[3],"data_offsets":[0,12]})"),
                    "outside the file"},
        HostileCase{"shape larger than its bytes", one(R"({"dtype":"F32","shape":[3],"data_offsets":[0,8]})"),
                    "not its shape times its dtype"},
        HostileCase{"overlap",
                    file_of("{\"a\":" + good + R"(,"b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}})",
                            std::string(12, '\0')),
                    "begins at byte 4 where the one before it ends at 8"},
        HostileCase{"the same bytes twice",
                    file_of("{\"a\":" + good + ",\"b\":" + good + "}", std::string(8, '\0')),
                    "begins at byte 0"},
        HostileCase{"a hole", one(R"({"dtype":"F32","shape":[1],"data_offsets":[4,8]})"), "begins at byte 4"},
        HostileCase{"bytes at the end", one(good, 9), "1 bytes after the last tensor"},
        HostileCase{"truncated data", one(good, 7), "outside the file"},
        HostileCase{"metadata as a list", file_of(R"({"__metadata__":[]})", ""),
                    "__metadata__ is not an object"},
        HostileCase{"metadata of numbers", file_of(R"({"__metadata__":{"a":1}})", ""),
                    "'a' is not a string"}),
    [](const testing::TestParamInfo<HostileCase> &info) {
        std::string name = info.param.what;
        for (char &c : name)
            c = std::isalnum(static_cast<unsigned char>(c)) ? c : '_';
        return name;
    });

TEST(MappedFile, SaysWhatIsWrongWithAPath)
{
    const test::TemporaryFolder folder;
    std::ofstream(folder.path() / "empty");
    std::ofstream(folder.path() / "large");
    std::filesystem::resize_file(folder.path() / "large", max_model_bytes + 1);
    const std::vector<std::tuple<std::string, std::string, std::string>> cases = {
        {"nothing", "model-missing", "There is no model file"},
        {"", "model-invalid", "is not a file"},
        {"empty", "model-invalid", "is empty"},
        {"large", "model-invalid", "at most 268435456"},
    };
    for (const auto &[name, code, message] : cases) {
        try {
            MappedFile file(folder.path() / name);
            ADD_FAILURE() << name;
        } catch (const Error &error) {
            EXPECT_EQ(error.code(), code) << name;
            EXPECT_THAT(error.what(), HasSubstr(message));
        }
    }
}

} // namespace
} // namespace anime
