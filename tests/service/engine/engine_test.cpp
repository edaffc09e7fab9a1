// SPDX-License-Identifier: LGPL-2.1-or-later
// What two servers have to agree on.
#include "tests/service/fixture.h"

#include "service/engine/engine.h"

#include "models/error.h"
#include "models/painter.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>

namespace anime::service
{

class EngineTest : public ServiceTest
{
protected:
    const int silent_ = memfd_create("log", MFD_CLOEXEC);
    LineWriter writer_{silent_};
    Log log_{writer_};
};

TEST_F(EngineTest, WhatPaintsIsNamedAlikeByEveryServer)
{
    // As far as an engine knows, the other one is of another process: only files and descriptions decide.
    Engine one(options_, log_);
    Engine another(options_, log_);
    one.warm_up();
    another.warm_up();
    std::set<std::string> digests;
    std::size_t styles = 0;
    for (const StyleInfo &style : list_styles()) {
        if (!style.available)
            continue;
        ++styles;
        const PaintOptions options{.style = style.name};
        EXPECT_EQ(one.painter_digest(options), another.painter_digest(options)) << style.name;
        digests.insert(one.painter_digest(options));
    }
    EXPECT_EQ(digests.size(), styles) << "no two styles are painted by the same";
    EXPECT_NE(one.painter_digest({}), one.painter_digest({.format = "png"})) << "another description";
}

// The live descriptions and those of films need plugins that a server does without.
TEST_F(EngineTest, WhatIsNotServedIsNotParsed)
{
    const std::string installed = g_getenv("ANIME_PIPELINE_PATH");
    char folder[] = "/tmp/anime-descriptions-XXXXXX";
    ASSERT_NE(mkdtemp(folder), nullptr);
    std::ofstream(std::string(folder) + "/camera.launch")
        << "no-such-source ! video/x-raw,width=4 ! no-such-window name=view\n";
    g_setenv("ANIME_PIPELINE_PATH", (std::string(folder) + ":" + installed).c_str(), true);
    Engine engine(options_, log_);
    EXPECT_NO_THROW(engine.warm_up()) << "a critical warning would have ended the test";
    EXPECT_FALSE(engine.facts().formats.contains("camera"));
    g_setenv("ANIME_PIPELINE_PATH", installed.c_str(), true);
    std::filesystem::remove_all(folder);
}

TEST_F(EngineTest, AStyleWhoseFileWentAwaySaysSo)
{
    Engine engine(options_, log_);
    engine.warm_up();
    try {
        engine.painter_digest({.style = "went-away"});
        FAIL();
    } catch (const Error &error) {
        EXPECT_EQ(error.code(), "model-missing");
    }
}

} // namespace anime::service
