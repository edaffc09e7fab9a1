// SPDX-License-Identifier: LGPL-2.1-or-later
// Linked into every test program that uses GStreamer: starts it before the first test and stops it after the
// last one. Stopping is what makes the leaks tracer (./check leaks) look for objects that are still alive; it
// reports them with a warning, which ends the program.
#include <gst/gst.h>
#include <gtest/gtest.h>

namespace
{

class GstEnvironment : public ::testing::Environment
{
    void SetUp() override { gst_init(nullptr, nullptr); }
    void TearDown() override
    {
        g_log_set_always_fatal(
            static_cast<GLogLevelFlags>(G_LOG_FATAL_MASK | G_LOG_LEVEL_CRITICAL | G_LOG_LEVEL_WARNING));
        gst_deinit();
    }
};

const auto *const environment = ::testing::AddGlobalTestEnvironment(new GstEnvironment);

} // namespace
