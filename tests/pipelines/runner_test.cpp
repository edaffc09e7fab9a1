// SPDX-License-Identifier: LGPL-2.1-or-later
// How a pipeline description is loaded, configured and run, on GStreamer's own elements.
#include "pipelines/runner.h"

#include "tests/pipelines/test_elements.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <dlfcn.h>
#include <filesystem>
#include <limits>
#include <pthread.h>
#include <thread>

namespace
{

/// In this thread, no other can be started: as at the limit of a container.
thread_local bool at_thread_limit = false;

} // namespace

// Stands before the one of the C library.
extern "C" int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *),
                              void *argument)
{
    static const auto real = reinterpret_cast<decltype(&pthread_create)>(dlsym(RTLD_NEXT, "pthread_create"));
    return at_thread_limit ? EAGAIN : real(thread, attributes, start, argument);
}

namespace anime
{

namespace
{

using namespace std::chrono_literals;
using testing::HasSubstr;

constexpr const char *endless = "fakesrc ! identity sleep-time=500 ! fakesink";

Description described(const std::string &text)
{
    return {"test", text};
}

std::shared_ptr<const Bytes> bytes(const std::string &text)
{
    return std::make_shared<const Bytes>(text.begin(), text.end());
}

/// The failure that making or configuring a pipeline throws; code "none" if it throws nothing.
template <typename Action>
RunFailure failure_of(Action action)
{
    RunFailure failure;
    failure.code = "none";
    try {
        action();
    } catch (const PipelineError &error) {
        failure = error.failure();
    }
    return failure;
}

RunFailure failure_of_making(const std::string &text)
{
    return failure_of([&] { Pipeline pipeline(described(text)); });
}

std::ptrdiff_t entries(const char *folder)
{
    using Iterator = std::filesystem::directory_iterator;
    return std::distance(Iterator(folder), Iterator());
}

class Runner : public testing::Test
{
protected:
    static void SetUpTestSuite() { test::register_test_elements(); }
};

} // namespace

TEST_F(Runner, PlaysUntilTheEnd)
{
    Pipeline pipeline(described("fakesrc num-buffers=3 ! identity ! fakesink"));
    EXPECT_TRUE(pipeline.run().ok());
}

TEST_F(Runner, RefusesADescriptionWithASyntaxError)
{
    for (const char *wrong :
         {"", "fakesrc ! ! fakesink", "fakesrc no-such-property=1 ! fakesink", "fakesrc !"}) {
        const RunFailure failure = failure_of_making(wrong);
        EXPECT_EQ(failure.code, "description-invalid") << wrong;
        EXPECT_THAT(failure.message, HasSubstr("\"test\"")) << wrong;
    }
}

TEST_F(Runner, NamesTheMissingElementAndWhereItComesFrom)
{
    const RunFailure failure = failure_of_making("fakesrc ! no-such-element ! fakesink");
    EXPECT_EQ(failure.code, "element-missing");
    EXPECT_EQ(failure.element, "no-such-element");
    EXPECT_THAT(failure.message, HasSubstr("no-such-element"));
    EXPECT_THAT(failure.remedy, HasSubstr("gstreamer1.0-plugins"));
}

TEST_F(Runner, RunsADescriptionOfASingleElement)
{
    const RunFailure failure = failure_of_making("fakesink");
    EXPECT_EQ(failure.code, "none");
}

TEST_F(Runner, SetsPropertiesByTheirType)
{
    struct Case {
        const char *property;
        PropertyValue value;
        const char *expected; // code
    };
    const Case cases[] = {
        {"num-buffers", std::int64_t{1}, "none"},
        {"num-buffers", std::int64_t{std::numeric_limits<int>::max()} + 1, "option-invalid"},
        {"num-buffers", std::string("1"), "option-invalid"},
        {"num-buffers", true, "option-invalid"},
        {"num-buffers", 1.5, "option-invalid"},
        {"blocksize", std::int64_t{-1}, "option-invalid"},
        {"do-timestamp", true, "none"},
        {"do-timestamp", std::int64_t{1}, "option-invalid"},
        {"pattern", std::string("snow"), "none"},
        {"pattern", std::string("snow ! filesink location=/tmp/x"), "option-invalid"},
        {"pattern", std::int64_t{1}, "option-invalid"},
        {"foreground-color", std::int64_t{0xffffffff}, "none"},
        {"foreground-color", std::int64_t{-1}, "option-invalid"},
        {"no-such-property", true, "option-unknown"},
    };
    for (const Case &one : cases) {
        Pipeline pipeline(described("videotestsrc name=input ! fakesink"));
        const RunFailure failure = failure_of([&] { pipeline.set("input", one.property, one.value); });
        EXPECT_EQ(failure.code, one.expected) << one.property << ": " << failure.message;
    }
}

TEST_F(Runner, SetsRealNumbersWithinTheirRange)
{
    Pipeline pipeline(described("fakesrc ! identity name=paint ! fakesink"));
    const auto set = [&](const PropertyValue &value) {
        return failure_of([&] { pipeline.set("paint", "drop-probability", value); });
    };
    EXPECT_EQ(set(0.5).code, "none");
    EXPECT_EQ(set(std::int64_t{1}).code, "none");
    EXPECT_EQ(set(std::numeric_limits<double>::quiet_NaN()).code, "option-invalid");
    const RunFailure failure = set(1.5);
    EXPECT_EQ(failure.code, "option-invalid");
    EXPECT_EQ(failure.message, "paint.drop-probability can't be 1.5.");
    EXPECT_EQ(failure.remedy, "It takes a number from 0 to 1.");
    EXPECT_EQ(failure.element, "identity");
}

TEST_F(Runner, RefusesAnElementThatTheDescriptionDoesNotName)
{
    Pipeline pipeline(described("fakesrc ! fakesink"));
    const RunFailure failure = failure_of([&] { pipeline.set("paint", "strength", 0.5); });
    EXPECT_EQ(failure.code, "option-unknown");
    EXPECT_THAT(failure.message, HasSubstr("\"paint\""));
}

TEST_F(Runner, TellsWhichElementsThereAre)
{
    Pipeline pipeline(described("fakesrc name=input ! fakesink"));
    EXPECT_TRUE(pipeline.has("input"));
    EXPECT_TRUE(pipeline.has("input", "fakesrc"));
    EXPECT_FALSE(pipeline.has("input", "appsrc"));
    EXPECT_FALSE(pipeline.has("output"));
}

TEST_F(Runner, PrefersTheErrorThatSaysWhy)
{
    Pipeline pipeline(described("fakesrc num-buffers=1 ! test-complain ! fakesink"));
    const RunResult result = pipeline.run();
    ASSERT_FALSE(result.ok());
    EXPECT_EQ(result.failure->code, "test-reason");
    EXPECT_EQ(result.failure->message, "The test element has 3 of 2.");
    EXPECT_EQ(result.failure->remedy, "Use 2.");
    EXPECT_EQ(result.failure->element, "test-complain");
    EXPECT_EQ(result.failure->limit, 2U);
    EXPECT_EQ(result.failure->actual, 3U);
}

TEST_F(Runner, GivesOtherErrorsACodeFromTheirDomain)
{
    Pipeline pipeline(described("filesrc name=input ! fakesink"));
    pipeline.set("input", "location", std::string("/no/such/file"));
    const RunResult result = pipeline.run();
    ASSERT_FALSE(result.ok());
    EXPECT_EQ(result.failure->code, "resource-not-found");
    EXPECT_EQ(result.failure->element, "filesrc");
}

TEST_F(Runner, TakesAnEndWithoutOutputForAFailure)
{
    Pipeline pipeline(described("fakesrc num-buffers=3 ! identity drop-probability=1 ! fakesink"));
    const RunResult result = pipeline.run();
    ASSERT_FALSE(result.ok());
    EXPECT_EQ(result.failure->code, "no-output");
    EXPECT_EQ(result.failure->element, "fakesink");
}

TEST_F(Runner, WantsOutputFromEveryBranch)
{
    Pipeline pipeline(described("fakesrc num-buffers=3 ! tee name=t ! queue ! fakesink "
                                "t. ! queue ! identity drop-probability=1 ! filesink location=/dev/null"));
    const RunResult result = pipeline.run();
    ASSERT_FALSE(result.ok());
    EXPECT_EQ(result.failure->element, "filesink");
}

TEST_F(Runner, TellsAnEndThatCouldNotBeWrittenFromOneThatWas)
{
    const RunResult full =
        Pipeline(described("fakesrc num-buffers=9 sizetype=fixed sizemax=65536 filltype=zero ! "
                           "filesink location=/dev/full"))
            .run();
    ASSERT_FALSE(full.ok());
    EXPECT_EQ(full.failure->code, "resource-no-space-left");
    EXPECT_FALSE(full.reached_end);
    EXPECT_TRUE(Pipeline(described("fakesrc num-buffers=9 ! filesink location=/dev/null")).run().reached_end);
}

TEST_F(Runner, HandsOutElementMessages)
{
    Pipeline pipeline(described("fakesrc num-buffers=3 sizetype=fixed sizemax=7 ! test-announce ! fakesink"));
    std::vector<guint64> sizes;
    pipeline.on_message([&](const GstStructure *fields) {
        guint64 size = 0;
        EXPECT_STREQ(gst_structure_get_name(fields), "test-announce");
        EXPECT_TRUE(gst_structure_get_uint64(fields, "size", &size));
        sizes.push_back(size);
    });
    EXPECT_TRUE(pipeline.run().ok());
    EXPECT_THAT(sizes, testing::ElementsAre(7, 7, 7));
}

TEST_F(Runner, StopsWhenCancelled)
{
    std::atomic<bool> cancel = false;
    Pipeline pipeline(described(endless));
    std::thread canceller([&] {
        std::this_thread::sleep_for(30ms);
        cancel = true;
    });
    const RunResult result = pipeline.run({.cancel = &cancel});
    canceller.join();
    ASSERT_FALSE(result.ok());
    EXPECT_EQ(result.failure->code, "cancelled");
}

TEST_F(Runner, StopsAtItsDeadline)
{
    Pipeline pipeline(described(endless));
    const RunResult result = pipeline.run({.deadline = std::chrono::steady_clock::now() + 30ms});
    ASSERT_FALSE(result.ok());
    EXPECT_EQ(result.failure->code, "deadline");
}

TEST_F(Runner, StopsWhereNoThreadCanBeStarted)
{
    std::atomic<bool> cancel = false;
    Pipeline pipeline(described("fakesrc ! test-announce ! fakesink"));
    pipeline.on_message([&](const GstStructure *) { at_thread_limit = cancel = true; });
    const RunResult result = pipeline.run({.cancel = &cancel});
    EXPECT_TRUE(at_thread_limit);
    at_thread_limit = false;
    ASSERT_FALSE(result.ok());
    EXPECT_EQ(result.failure->code, "cancelled");
}

TEST_F(Runner, LeavesAnElementBehindThatDoesNotStop)
{
    test::release_blocked = test::blocked = false;
    {
        Pipeline pipeline(described("fakesrc ! test-block ! fakesink"));
        const RunResult result = pipeline.run({.cancel = &test::blocked, .stop_within = 50ms});
        ASSERT_FALSE(result.ok());
        EXPECT_EQ(result.failure->code, "stuck");
    }
    test::release_blocked = true;
    for (int i = 0; i < 20000 && test::blocked_alive != 0; ++i)
        std::this_thread::sleep_for(1ms);
    EXPECT_EQ(test::blocked_alive, 0) << "the pipeline is freed once the element returns";
}

TEST_F(Runner, MapsMemoryToMemory)
{
    Pipeline pipeline(described("appsrc name=input ! identity ! appsink name=output"));
    const MemoryResult result = pipeline.run(bytes("what goes in"));
    ASSERT_TRUE(result.ok()) << result.failure->message;
    EXPECT_EQ(result.output, *bytes("what goes in"));
}

TEST_F(Runner, ReportsTheMediaTypeOfTheOutput)
{
    Pipeline pipeline(described("appsrc name=input caps=image/x-test ! appsink name=output"));
    const MemoryResult result = pipeline.run(bytes("x"));
    ASSERT_TRUE(result.ok()) << result.failure->message;
    EXPECT_EQ(result.media_type, "image/x-test");
}

TEST_F(Runner, TakesEmptyInputForAFailure)
{
    Pipeline pipeline(described("appsrc name=input ! appsink name=output"));
    const MemoryResult result = pipeline.run(bytes(""));
    ASSERT_FALSE(result.ok());
    EXPECT_EQ(result.failure->code, "no-output");
}

TEST_F(Runner, NeedsAppsrcAndAppsinkForMemory)
{
    Pipeline pipeline(described("fakesrc name=input ! appsink name=output"));
    EXPECT_EQ(failure_of([&] { pipeline.run(bytes("x")); }).code, "description-invalid");
}

TEST_F(Runner, LeavesNothingBehindAfterManyRuns)
{
    const auto run_some = [](int count) {
        for (int i = 0; i < count; ++i) {
            Pipeline pipeline(described("appsrc name=input ! queue ! appsink name=output"));
            EXPECT_TRUE(pipeline.run(bytes("x")).ok());
        }
    };
    run_some(5);
    const std::ptrdiff_t threads = entries("/proc/self/task");
    const std::ptrdiff_t files = entries("/proc/self/fd");
    run_some(50);
    EXPECT_LE(entries("/proc/self/task"), threads + 2) << "GLib keeps a few idle threads";
    EXPECT_EQ(entries("/proc/self/fd"), files);
}

TEST_F(Runner, RunsPipelinesBesideEachOther)
{
    std::vector<std::thread> threads;
    std::atomic<int> good = 0;
    std::atomic<int> bad = 0;
    for (int i = 0; i < 8; ++i)
        threads.emplace_back([&, i] {
            Pipeline pipeline(described(i % 2 ? "appsrc name=input ! identity ! appsink name=output"
                                              : "appsrc name=input ! test-complain ! appsink name=output"));
            ++(pipeline.run(bytes("x")).ok() ? good : bad);
        });
    for (std::thread &thread : threads)
        thread.join();
    EXPECT_EQ(good, 4);
    EXPECT_EQ(bad, 4);
}

} // namespace anime
