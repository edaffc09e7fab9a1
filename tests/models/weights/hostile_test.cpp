// SPDX-License-Identifier: LGPL-2.1-or-later
// State dicts made to cost far more memory than their own size: refused, within a bound.
#include "models/error.h"
#include "models/weights/pickle.h"
#include "models/weights/safetensors.h"
#include "models/weights/state_dict.h"
#include "tests/models/allocations.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace anime
{
namespace
{

using namespace std::string_literals;

/// What reading may allocate, in all, for each byte of a file: a pickle's value takes a hundred bytes, and
/// one byte makes one.
constexpr std::size_t bytes_per_byte = 256;

std::string number(std::uint64_t value, std::size_t bytes)
{
    std::string text;
    for (std::size_t i = 0; i < bytes; ++i)
        text += static_cast<char>(value >> 8 * i & 0xFF);
    return text;
}

std::string times(int count, const std::string &text)
{
    std::string out;
    for (int i = 0; i < count; ++i)
        out += text;
    return out;
}

/// A zip archive that is not compressed; entries of its directory may name one file more than once.
class Archive
{
public:
    std::size_t add(const std::string &contents)
    {
        const std::size_t position = bytes_.size();
        bytes_ += number(0x04034b50, 4) + std::string(26, '\0') + contents;
        return position;
    }

    void list(const std::string &name, std::size_t position, std::size_t size)
    {
        directory_ += number(0x02014b50, 4) + std::string(16, '\0') + number(size, 4) + number(size, 4) +
                      number(name.size(), 2) + std::string(12, '\0') + number(position, 4) + name;
        ++count_;
    }

    std::string bytes() const
    {
        return bytes_ + directory_ + number(0x06054b50, 4) + number(0, 4) + number(count_, 2) +
               number(count_, 2) + number(directory_.size(), 4) + number(bytes_.size(), 4) + number(0, 2);
    }

private:
    std::string bytes_;
    std::string directory_;
    std::size_t count_ = 0;
};

/// As torch.save() writes it: one storage of a thousand values.
std::string saved(const std::string &pickle)
{
    Archive archive;
    archive.list("archive/data.pkl", archive.add(pickle), pickle.size());
    archive.list("archive/data/0", archive.add(std::string(4000, '\0')), 4000);
    return archive.bytes();
}

std::string text(const std::string &text)
{
    return std::string("X").append(number(text.size(), 4)).append(text);
}

/// Memo 0 is the function that makes a tensor, memo 1 the type of its storage.
const std::string prologue = "\x80\x02"
                             "ctorch._utils\n_rebuild_tensor_v2\nq\0ctorch\nFloatStorage\nq\1"s;

std::string storage(const std::string &name, const std::string &type = "h\1")
{
    return std::string("(")
        .append(text("storage"))
        .append(type)
        .append(text(name))
        .append(text("cpu"))
        .append("M\xE8\x03tQ");
}

/// A tensor of `count` values.
std::string tensor(const std::string &storage, std::uint32_t count = 1000)
{
    return "h\0"s + "(" + storage + "K\0"s + "J" + number(count, 4) + "\x85K\x01\x85tR";
}

/// Four thousand tensors, each of a storage of its own by the directory, and of the same bytes in truth.
std::string overlapping_storages()
{
    constexpr std::size_t values = 20000;
    constexpr int count = 4000;
    std::string pickle = prologue + "}(";
    for (int i = 0; i < count; ++i)
        pickle.append(text(std::to_string(i))).append(tensor(storage(std::to_string(i)), values));
    pickle += "u.";
    Archive archive;
    archive.list("archive/data.pkl", archive.add(pickle), pickle.size());
    const std::size_t position = archive.add(std::string(4 * values, '\0'));
    for (int i = 0; i < count; ++i)
        archive.list(std::string("archive/data/").append(std::to_string(i)), position, 4 * values);
    return archive.bytes();
}

struct Hostile {
    const char *what;
    std::string file;
    const char *message;
};

class HostileStateDict : public testing::TestWithParam<Hostile>
{
};

TEST_P(HostileStateDict, IsRefusedWithinABound)
{
    const std::string &file = GetParam().file;
    test::take_allocations();
    try {
        read_state_dict({reinterpret_cast<const std::byte *>(file.data()), file.size()}, "test");
        ADD_FAILURE() << "was read";
    } catch (const Error &error) {
        EXPECT_EQ(error.code(), "model-invalid");
        EXPECT_THAT(error.what(), testing::HasSubstr(GetParam().message));
        EXPECT_LE(std::string(error.what()).size(), 2 * max_name_bytes);
    }
    const std::size_t allocated = test::take_allocations().bytes; // 0 under a sanitizer
    EXPECT_LE(allocated, bytes_per_byte * file.size());
}

INSTANTIATE_TEST_SUITE_P(
    All, HostileStateDict,
    testing::Values(
        Hostile{"tensors with fifty thousand arguments",
                saved(prologue + "(" + std::string(50000, 'N') + "tq\x02" + times(1000, "h\0h\2R"s) + "."),
                "not a dict of tensors"},
        Hostile{"storages with fifty thousand parts",
                saved(prologue + "(Nh\1" + std::string(50000, 'N') + "tq\x02" + times(1000, "h\2Q") + "."),
                "not a dict of tensors"},
        Hostile{"storages whose type has a long name",
                saved(prologue + "(Nctorch\n" + std::string(50000, 'T') + "\nNNNtq\x02" +
                      times(1000, "h\2Q") + "."),
                "not a dict of tensors"},
        Hostile{"a tensor whose type has a long name",
                saved(prologue + "}" + text("weight") +
                      tensor(storage("0", "ctorch\n" + std::string(50000, 'T') + "\n")) + "s."),
                "longer than 256 bytes"},
        Hostile{"a tensor whose storage has a long name",
                saved(prologue + "}" + text("weight") + tensor(storage(std::string(50000, '0'))) + "s."),
                "longer than 256 bytes"},
        Hostile{"tensors with fifty thousand dimensions",
                saved(prologue + "(" + times(50000, "K\1") + "tq\x02" + storage("0") + "q\x03}(" +
                      times(1000, "Nh\0(h\3K\0h\2h\2tR"s) + text("weight") + "h\0(h\3K\0h\2h\2tRu."s),
                "more than 8 dimensions"},
        Hostile{"a thousand tensors of one long name",
                saved(prologue + text(std::string(50000, 'n')) + "q\x02" + tensor(storage("0")) + "q\x03}(" +
                      times(1000, "h\2h\3") + "u."),
                "longer than 256 bytes"},
        Hostile{"a name that is not UTF-8",
                saved(prologue + "}" + text("weight\xFF") + tensor(storage("0")) + "s."), "not UTF-8"},
        Hostile{"five thousand tensors",
                saved(prologue + text("weight") + "q\x02" + tensor(storage("0"), 1) + "q\x03}(" +
                      times(5000, "h\2h\3") + "u."),
                "more than 4096 tensors"},
        // Each of the first dict's values would be searched for tensors.
        Hostile{"a hundred thousand times the wrapped weights",
                saved("}q\0("s + std::string(400000, 'N') + "u" + text("state_dict") + "q\x01}(" +
                      times(100000, "h\1h\0"s) + "u."),
                "not a dict of tensors"},
        Hostile{"storages that lie in the same place", overlapping_storages(), "too often"}),
    [](const testing::TestParamInfo<Hostile> &info) {
        std::string name = info.param.what;
        for (char &c : name)
            c = std::isalnum(static_cast<unsigned char>(c)) ? c : '_';
        return name;
    });

} // namespace
} // namespace anime
