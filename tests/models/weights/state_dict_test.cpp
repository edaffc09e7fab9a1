// SPDX-License-Identifier: LGPL-2.1-or-later
// The state dicts that people publish are read, and hostile ones do no harm.
#include "models/weights/state_dict.h"

#include "models/error.h"
#include "models/weights/mapped_file.h"
#include "models/weights/pickle.h"
#include "tests/models/temporary_folder.h"
#include "tests/models/tiny_models.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>

namespace anime
{
namespace
{

using testing::HasSubstr;

std::span<const std::byte> bytes(const std::string &text)
{
    return {reinterpret_cast<const std::byte *>(text.data()), text.size()};
}

class StateDict : public testing::Test
{
protected:
    StateDict() { write_safetensors(source_, model_); }

    /// The tensors of the tiny model as torch.save() writes them; see make_checkpoint.py.
    std::string checkpoint(const std::string &form) const
    {
        const std::string target = folder_.path() / (form + ".pt");
        const std::string command =
            "python3 " ANIME_MAKE_CHECKPOINT " '" + source_.string() + "' '" + target + "' " + form;
        EXPECT_EQ(std::system(command.c_str()), 0);
        std::ifstream file(target, std::ios::binary);
        return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    }

    void expect_model(const WeightMap &read, const std::string &form) const
    {
        ASSERT_EQ(read.size(), model_.tensors.size()) << form;
        for (const auto &[name, weight] : model_.tensors) {
            ASSERT_TRUE(read.contains(name)) << form << " " << name;
            EXPECT_EQ(read.at(name)->shape, weight->shape) << form << " " << name;
            EXPECT_EQ(read.at(name)->data, weight->data) << form << " " << name;
        }
    }

    const Safetensors model_ = test::lite_model();
    test::TemporaryFolder folder_;
    std::filesystem::path source_ = folder_.path() / "tiny.safetensors";
};

// As state_dict() returns it, as a list of parameters, from a parallel model, inside a training checkpoint,
// with weights that were transposed before they were saved.
TEST_F(StateDict, IsReadInEveryFormInWhichItIsPublished)
{
    for (const std::string form : {"ordered", "parameters", "parallel", "wrapped", "transposed"}) {
        const std::string file = checkpoint(form);
        EXPECT_FALSE(is_torchscript(bytes(file), form));
        expect_model(read_state_dict(bytes(file), form), form);
    }
}

void expect_error(const std::string &file, const std::string &what, const std::string &message)
{
    try {
        read_state_dict(bytes(file), "test");
        ADD_FAILURE() << what;
    } catch (const Error &error) {
        EXPECT_EQ(error.code(), "model-invalid") << what;
        EXPECT_THAT(error.what(), HasSubstr(message)) << what;
        EXPECT_FALSE(error.remedy().empty()) << what;
    }
}

TEST_F(StateDict, SaysWhatIsWrong)
{
    expect_error("<html>404 not found</html>", "a page", "no zip archive");
    expect_error("", "nothing", "no zip archive");
    expect_error(checkpoint("number"), "a number", "not a dict of tensors");
    expect_error(checkpoint("compressed"), "a compressed archive", "compressed");
    expect_error(checkpoint("integers"), "integers", "values of the type LongStorage");
    expect_error(checkpoint("outside"), "a tensor that is larger than its storage", "makes no sense");
    expect_error(checkpoint("shared"), "thousands of tensors of the same values", "too often");
    expect_error(checkpoint("missing"), "a storage that is not there", "has no values");
    expect_error(checkpoint("foreign"), "another archive", "not one of PyTorch's");
}

// Cut off anywhere: an error, never a crash. So with any byte of its directory or description changed.
TEST_F(StateDict, SurvivesDamage)
{
    const std::string file = checkpoint("ordered");
    for (std::size_t size = 0; size < file.size(); size += 1 + size / 50)
        expect_error(file.substr(0, size), "cut at " + std::to_string(size), "");
    for (std::size_t at = 0; at < file.size(); at += at < 8192 ? 1 : 7) {
        std::string damaged = file;
        damaged[at] = static_cast<char>(damaged[at] ^ 0x55);
        try {
            read_state_dict(bytes(damaged), "test");
        } catch (const Error &error) {
            EXPECT_EQ(error.code(), "model-invalid");
        }
    }
}

struct PickleCase {
    const char *what;
    std::string program;
    const char *message;
};

class HostilePickle : public testing::TestWithParam<PickleCase>
{
};

TEST_P(HostilePickle, IsRefused)
{
    try {
        read_pickled_tensors(bytes(GetParam().program), "test");
        FAIL() << GetParam().what;
    } catch (const Error &error) {
        EXPECT_EQ(error.code(), "model-invalid");
        EXPECT_THAT(error.what(), HasSubstr(GetParam().message)) << GetParam().what;
    }
}

using namespace std::string_literals;

INSTANTIATE_TEST_SUITE_P(
    All, HostilePickle,
    testing::Values(
        PickleCase{"empty", "", "cut off"}, PickleCase{"stops with nothing", ".", "damaged"},
        PickleCase{"runs a command", "cos\nsystem\nX\x04\0\0\0true\x85R."s, "not a dict of tensors"},
        PickleCase{"unknown operation", "\x80\x02i", "pickle operation 105"},
        PickleCase{"text longer than the program", "X\xff\xff\xff\x7f.", "cut off"},
        PickleCase{"global without an end", "cos", "cut off"},
        PickleCase{"memo that was never set", "h\x07.", "damaged"},
        PickleCase{"tuple of nothing", "t.", "damaged"}, PickleCase{"pair of one", "K\x01\x86.", "damaged"},
        PickleCase{"takes from below the mark", "K\x01(\x85.", "damaged"},
        PickleCase{"item for a number", "K\x01K\x02K\x03s.", "damaged"},
        PickleCase{"key without a value", "}(K\x01u.", "damaged"},
        PickleCase{"list that contains itself", "]q\0h\0a."s, "not a dict of tensors"},
        PickleCase{"dict that contains itself", "}q\0K\x01h\0s."s, "not a dict of tensors"},
        PickleCase{"number too large", "\x8a\xff.", "too large"},
        PickleCase{"storage of a number", "K\x01Q.", "not a storage"},
        PickleCase{"longer than the limit", std::string(max_pickle_bytes + 1, 'N'), "are the limit"}),
    [](const testing::TestParamInfo<PickleCase> &info) {
        std::string name = info.param.what;
        for (char &c : name)
            c = std::isalnum(static_cast<unsigned char>(c)) ? c : '_';
        return name;
    });

} // namespace
} // namespace anime
