// SPDX-License-Identifier: LGPL-2.1-or-later
// Loading models: names and paths, metadata, sharing, and what is said about files that are none.
#include "models/model.h"

#include "models/error.h"
#include "models/executors/registry.h"
#include "models/painter.h"
#include "models/weights/catalogue.h"
#include "models/weights/embedded.h"
#include "models/weights/locate.h"
#include "tests/models/temporary_folder.h"
#include "tests/models/tiny_models.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <thread>

namespace anime
{
namespace
{

using testing::HasSubstr;

class ModelTest : public testing::Test
{
protected:
    ModelTest() { setenv("XDG_DATA_HOME", folder_.path().c_str(), 1); }
    ~ModelTest() override { unsetenv("XDG_DATA_HOME"); }

    std::string write(const Safetensors &model, const std::string &name = "tiny.safetensors")
    {
        const auto path = folder_.path() / name;
        write_safetensors(path, model);
        return path.string();
    }

    void expect_error(const std::string &name, const std::string &code, const std::string &message)
    {
        try {
            load_model(name);
            ADD_FAILURE() << name << " was loaded";
        } catch (const Error &error) {
            EXPECT_EQ(error.code(), code) << error.what();
            EXPECT_THAT(error.what(), HasSubstr(message));
            EXPECT_FALSE(error.remedy().empty()) << error.what();
        }
    }

    test::TemporaryFolder folder_;
};

TEST_F(ModelTest, TellsWhatItsFileSays)
{
    Safetensors file = test::lite_model(4, 6, 1, true);
    file.metadata["description"] = "for tests";
    file.metadata["fidelity.int8"] = "43.5";
    file.metadata["tone"] = "graded";
    const auto model = load_model(write(file));
    EXPECT_EQ(model->name, "tiny");
    EXPECT_EQ(model->architecture, "lite");
    EXPECT_EQ(model->licence, "CC0");
    EXPECT_EQ(model->description, "for tests");
    EXPECT_EQ(model->face_size, 64);
    EXPECT_EQ(model->digest.size(), 64U);
    EXPECT_EQ(model->metadata, file.metadata);
    EXPECT_DOUBLE_EQ(model->fidelity.at("int8"), 43.5);
    EXPECT_TRUE(model->calibrated);
    EXPECT_TRUE(model->graded);
    const auto plain = load_model(write(test::lite_model(), "plain.safetensors"));
    EXPECT_FALSE(plain->calibrated);
    EXPECT_FALSE(plain->graded);
}

// A file is one model however it is named, for as long as anyone uses it.
TEST_F(ModelTest, IsSharedByAllWhoNameTheSameFile)
{
    const std::string path = write(test::lite_model());
    const std::string link = (folder_.path() / "link.safetensors").string();
    std::filesystem::create_symlink(path, link);
    const auto first = load_model(path);
    EXPECT_EQ(load_model(path), first);
    EXPECT_EQ(load_model(link), first);

    std::vector<std::shared_ptr<const Model>> models(4);
    std::vector<std::thread> threads;
    for (auto &model : models)
        threads.emplace_back([&] { model = load_model(path); });
    for (auto &thread : threads)
        thread.join();
    for (const auto &model : models)
        EXPECT_EQ(model, first);
}

TEST_F(ModelTest, IsReadAgainWhenItsFileWasReplaced)
{
    const std::string path = write(test::lite_model(4, 6, 1));
    const auto before = load_model(path);
    EXPECT_EQ(model_digest(path), before->digest);
    write(test::lite_model(4, 6, 2));
    EXPECT_NE(model_digest(path), before->digest);
    const auto after = load_model(path);
    EXPECT_NE(after, before);
    EXPECT_NE(after->digest, before->digest);
    EXPECT_EQ(model_digest(path), after->digest);
    EXPECT_EQ(before->graph.nodes.front().op, Op::input); // the first one is still whole
}

bool is_listed_as_available(const std::string &name)
{
    const std::vector<StyleInfo> styles = list_styles();
    return std::any_of(styles.begin(), styles.end(),
                       [&](const StyleInfo &style) { return style.name == name && style.available; });
}

TEST_F(ModelTest, DefaultIsTheEmbeddedOne)
{
    const auto embedded = embedded_models();
    if (std::none_of(embedded.begin(), embedded.end(),
                     [](const EmbeddedStyle &style) { return style.name == default_style(); })) {
        expect_error("default", "model-missing", "'" + default_style() + "' is not part of this build");
        return;
    }
    const auto model = load_model("default");
    EXPECT_TRUE(model->path.empty());
    EXPECT_EQ(model->name, default_style());
    EXPECT_EQ(list_styles().front().name, default_style());
}

TEST_F(ModelTest, EachEmbeddedStyleIsFoundByItsName)
{
    for (const EmbeddedStyle &embedded : embedded_models()) {
        const std::string name(embedded.name);
        const auto model = load_model(name);
        EXPECT_EQ(model->name, name) << "what the catalogue calls the file, and what its metadata does";
        EXPECT_EQ(model->digest, sha256(embedded.file));
        EXPECT_TRUE(is_listed_as_available(name));
    }
}

TEST_F(ModelTest, StylesThatAreNotDownloadedAreListedAsSuch)
{
    for (const StyleInfo &style : list_styles())
        EXPECT_EQ(style.available, find_in_catalogue(style.name) == nullptr) << style.name;
}

TEST_F(ModelTest, IsFoundByNameInTheDownloadFolder)
{
    std::filesystem::create_directories(download_folder());
    write_safetensors(download_folder() / "mine.safetensors", test::lite_model());
    EXPECT_EQ(load_model("mine")->architecture, "lite");
}

// What a name finds in the download folder is what the list says is there: a checkpoint that was calibrated
// is a .safetensors file.
TEST_F(ModelTest, AStyleIsListedAsAvailableWhateverItsSuffix)
{
    EXPECT_FALSE(is_listed_as_available("animeganv2_hayao"));
    std::filesystem::create_directories(download_folder());
    write_safetensors(download_folder() / "animeganv2_hayao.safetensors", test::lite_model());
    EXPECT_EQ(load_model("animeganv2_hayao")->architecture, "lite");
    EXPECT_TRUE(is_listed_as_available("animeganv2_hayao"));
}

// What a service may offer: the name is the file's, by which it is found; a file that is none is listed with
// the reason and not as available.
TEST_F(ModelTest, FilesInTheDownloadFolderAreListed)
{
    std::filesystem::create_directories(download_folder());
    Safetensors mine = test::lite_model();
    mine.metadata["description"] = "for tests";
    write_safetensors(download_folder() / "mine.safetensors", mine);
    write_safetensors(download_folder() / "paprika.safetensors", mine);
    std::ofstream(download_folder() / "broken.safetensors") << "<html>404 not found</html>";
    std::ofstream(download_folder() / "notes.txt") << "no model";

    std::vector<std::string> names;
    for (const StyleInfo &style : list_styles()) {
        names.push_back(style.name);
        if (style.name == "mine") {
            EXPECT_TRUE(style.available);
            EXPECT_EQ(style.description, "for tests");
            EXPECT_EQ(style.licence, "CC0");
        }
        if (style.name == "broken") {
            EXPECT_FALSE(style.available);
            EXPECT_THAT(style.description, testing::HasSubstr("is not a usable .safetensors file"));
        }
    }
    for (const char *once : {"mine", "paprika", "broken"})
        EXPECT_EQ(std::count(names.begin(), names.end(), once), 1) << once;
    EXPECT_THAT(names, testing::Not(testing::Contains("notes")));
}

TEST_F(ModelTest, FindsWhatAPackageInstalledAfterWhatWasDownloaded)
{
    const auto installed = folder_.path() / "share" / "gst-anime" / "models";
    const auto downloaded = folder_.path() / "gst-anime" / "models";
    std::filesystem::create_directories(installed);
    std::filesystem::create_directories(downloaded);
    setenv("XDG_DATA_DIRS", ("relative:" + (folder_.path() / "share").string()).c_str(), 1);
    Safetensors file = test::lite_model(4, 6, 1, true);
    file.metadata["description"] = "of a package";
    write_safetensors(installed / "packaged.safetensors", file);
    EXPECT_EQ(load_model("packaged")->description, "of a package");
    EXPECT_TRUE(is_listed_as_available("packaged"));

    file.metadata["description"] = "one's own";
    write_safetensors(downloaded / "packaged.safetensors", file);
    EXPECT_EQ(load_model("packaged")->description, "one's own");
    unsetenv("XDG_DATA_DIRS");
}

// A service runs as a user without a home of its own. Something that is no folder fails for root too, who may
// enter any.
TEST_F(ModelTest, ADownloadFolderThatCanNotBeEnteredHoldsNoStyles)
{
    const auto loop = folder_.path() / "loop";
    std::filesystem::create_directory_symlink(loop, loop);
    setenv("XDG_DATA_HOME", loop.c_str(), 1);
    EXPECT_FALSE(is_listed_as_available("animeganv2_hayao"));
    expect_error("animeganv2_hayao", "model-missing",
                 "can't be looked for in '" + download_folder().string());
    expect_error("unheard-of", "model-missing", "Too many levels of symbolic links");
    expect_error(std::string(1000, 'n'), "model-missing", "can't be looked for");
    for (const ModelSource &style : embedded_styles())
        EXPECT_NO_THROW(load_model(style.name));
}

TEST_F(ModelTest, SaysWhyANameOrPathIsNoModel)
{
    std::ofstream(folder_.path() / "empty.safetensors");
    std::ofstream(folder_.path() / "page.safetensors") << "<html>404 not found</html>";
    std::ofstream(folder_.path() / "model.onnx") << "onnx";
    const std::string here = folder_.path().string() + "/";
    expect_error("unheard-of", "model-missing", "No style is called 'unheard-of'");
    expect_error("", "model-missing", "No style is called ''");
    expect_error("paprika", "model-missing", "'paprika' is not downloaded");
    expect_error("animeganv2_hayao", "model-missing", "'animeganv2_hayao' is not downloaded");
    expect_error(here + "none.safetensors", "model-missing", "There is no model file");
    expect_error(here + "none.pt", "model-missing", "There is no model file");
    expect_error(here + "empty.safetensors", "model-invalid", "is empty");
    expect_error(here + "page.safetensors", "model-invalid", "its header would have");
    expect_error(here + "model.onnx", "model-unsupported", "has no suffix of a model");
}

TEST_F(ModelTest, AFileUnderACatalogueNameHasToBeThatCheckpoint)
{
    std::filesystem::create_directories(download_folder());
    std::ofstream(download_folder() / "paprika.pt") << "something else";
    expect_error("paprika", "model-invalid", "its checksum differs");
}

TEST_F(ModelTest, RefusesMetadataThatMakesNoSense)
{
    const std::vector<std::tuple<std::string, std::string, std::string, std::string>> cases = {
        {"architecture", "", "model-invalid", "'architecture'"},
        {"architecture", "vgg", "model-unsupported", "'vgg' is not known"},
        {"architecture", std::string(257, 'a'), "model-invalid", "longer than 256 bytes"},
        {"name", std::string(257, 'n'), "model-invalid", "longer than 256 bytes"},
        {"upsampling", "nearest", "model-invalid", "'upsampling'"},
        {"upsampling", "legacy", "model-invalid", "half-pixel, not legacy"},
        {"face_size", "0", "model-invalid", "'face_size'"},
        {"face_size", "64px", "model-invalid", "'face_size'"},
        {"face_size", "999999999999", "model-invalid", "'face_size'"},
        {"tone", "dark", "model-invalid", "'tone'"},
        {"fidelity.int8", "nan", "model-invalid", "'fidelity.int8'"},
        {"fidelity.int8", "much", "model-invalid", "'fidelity.int8'"},
    };
    for (const auto &[key, value, code, message] : cases) {
        Safetensors file = test::lite_model();
        file.metadata[key] = value;
        expect_error(write(file), code, message);
    }
}

TEST_F(ModelTest, RefusesWeightsThatAreNotFinite)
{
    Safetensors file = test::lite_model();
    file.tensors["stem.bias"] = test::tensor("stem.bias", {4}, {0, NAN, 0, 0});
    expect_error(write(file), "model-invalid", "'stem.bias' has values that are not finite");
}

TEST_F(ModelTest, RefusesATruncatedFile)
{
    const std::string path = write(test::lite_model());
    std::filesystem::resize_file(path, std::filesystem::file_size(path) - 100);
    expect_error(path, "model-invalid", "outside the file");
}

TEST(Painters, RefuseSettingsThatMeanNothing)
{
    try {
        open_painter({.executor = "abacus"});
        FAIL();
    } catch (const Error &error) {
        EXPECT_EQ(error.code(), "executor-missing");
        EXPECT_EQ(error.remedy(), "Executors are auto, onednn, torch.");
    }
    try {
        open_painter({.executor = "onednn", .device = "cuda:0"});
        FAIL();
    } catch (const Error &error) {
        EXPECT_EQ(error.code(), "device-missing");
        EXPECT_EQ(error.remedy(), "Use executor=torch, or device=cpu.");
    }
    try {
        open_painter({.device = "tpu"});
        FAIL();
    } catch (const Error &error) {
        EXPECT_EQ(error.code(), "device-missing");
        EXPECT_STREQ(error.what(), "'tpu' is not a device of any executor.");
    }
}

TEST(Painters, AnExecutorThatDoesNotKnowAnOperationRefusesTheModel)
{
    Graph graph;
    graph.nodes.push_back({.op = Op::input, .channels = 3});
    for (const Executor &executor : executors())
        EXPECT_NO_THROW(require_operations(executor.name, graph)) << executor.name;
    graph.nodes.push_back({.op = static_cast<Op>(31), .name = "attention"});
    for (const Executor &executor : executors()) {
        try {
            require_operations(executor.name, graph);
            ADD_FAILURE() << executor.name;
        } catch (const Error &error) {
            EXPECT_EQ(error.code(), "model-unsupported");
            EXPECT_THAT(error.what(), HasSubstr("operation 1 of the model's graph, 'attention'"));
        }
    }
}

class PaintersTest : public ModelTest
{
protected:
    ~PaintersTest() override { forget_idle_painters(); }

    static void paint(Painter &painter, int side)
    {
        const auto bytes = static_cast<std::size_t>(3) * side * side;
        std::vector<std::uint8_t> in(bytes, 100);
        std::vector<std::uint8_t> out(bytes);
        const std::atomic<bool> cancel = false;
        painter.paint({in.data(), side, side, 3 * side}, {out.data(), side, side, 3 * side}, cancel);
    }
};

TEST_F(PaintersTest, OutliveTheirLastUserSoThatTheNextPipelineDoesNotLoadAgain)
{
    const PaintSettings settings{.model = write(test::lite_model())};
    const std::weak_ptr<Painter> first = open_painter(settings);
    EXPECT_FALSE(first.expired());
    EXPECT_EQ(open_painter(settings), first.lock());

    forget_idle_painters();
    EXPECT_TRUE(first.expired());
}

TEST_F(PaintersTest, InUseAreSharedWhateverIsForgotten)
{
    const PaintSettings settings{.model = write(test::lite_model())};
    const auto painter = open_painter(settings);
    forget_idle_painters();
    EXPECT_EQ(open_painter(settings), painter);
}

TEST_F(PaintersTest, AreOpenedAgainOnceTheirFileWasReplaced)
{
    const std::string path = write(test::lite_model(4));
    const std::weak_ptr<Painter> before = open_painter({.model = path});
    const std::string digest = before.lock()->info().digest;
    std::filesystem::remove(path);
    write(test::lite_model(6));
    EXPECT_NE(open_painter({.model = path})->info().digest, digest);
    EXPECT_TRUE(before.expired());
}

TEST_F(PaintersTest, TooLargeToKeepGoBeforeAnotherIsOpened)
{
    const std::weak_ptr<Painter> large = open_painter({
        .model = write(test::animeganv2_model(), "large.safetensors"),
        .precision = "f32",
        .threads = 1,
    });
    paint(*large.lock(), 384);
    EXPECT_GT(large.lock()->memory_bytes(), std::size_t{64} << 20);
    open_painter({.model = write(test::lite_model())});
    EXPECT_TRUE(large.expired());
}

} // namespace
} // namespace anime
