// SPDX-License-Identifier: LGPL-2.1-or-later
// Properties that are described in a table are set and read, and locked where several threads may.
#include "elements/common/guarded_settings.h"

#include <gst/gst.h>
#include <gtest/gtest.h>

#include <string>

namespace anime
{
namespace
{

enum class Pace { slow, quick };

struct Numbers {
    int whole = 3;
    std::uint64_t large = 4;
    std::string text = "none";
    bool yes = true;
    unsigned sides = 1;
    Pace pace = Pace::quick;
};

TEST(PropertyTable, ReadsAndSetsTheMembersThatItNames)
{
    PropertyTable<Numbers> table;
    table.add_number(
        {"whole", "Whole", "A number", mutable_playing}, 0, 9,
        [](auto &settings) -> auto & { return settings.whole; });
    table.add_number(
        {"large", "Large", "A number", mutable_playing}, std::uint64_t{0}, G_MAXUINT64,
        [](auto &settings) -> auto & { return settings.large; });
    table.add_text(
        {"text", "Text", "A text", mutable_playing}, [](auto &settings) -> auto & { return settings.text; });
    table.add_boolean(
        {"yes", "Yes", "A boolean", mutable_playing}, [](auto &settings) -> auto & { return settings.yes; });
    EXPECT_EQ(table.stats_id(), 5U);

    Numbers numbers;
    GValue value = G_VALUE_INIT;
    g_value_init(&value, G_TYPE_INT);
    g_value_set_int(&value, 7);
    EXPECT_TRUE(table.set(numbers, 1, &value));
    EXPECT_EQ(numbers.whole, 7);
    g_value_set_int(&value, 0);
    EXPECT_TRUE(table.get(numbers, 1, &value));
    EXPECT_EQ(g_value_get_int(&value), 7);
    EXPECT_FALSE(table.set(numbers, 0, &value));
    EXPECT_FALSE(table.set(numbers, 5, &value));
    EXPECT_FALSE(table.get(numbers, 5, &value));
    g_value_unset(&value);

    g_value_init(&value, G_TYPE_STRING);
    g_value_set_string(&value, "some");
    table.set(numbers, 3, &value);
    EXPECT_EQ(numbers.text, "some");
    g_value_set_string(&value, nullptr);
    table.set(numbers, 3, &value);
    EXPECT_EQ(numbers.text, "none") << "no text is the default";
    g_value_unset(&value);
}

// An enum and flags are registered with what a user writes; both come back as the members' own types.
TEST(PropertyTable, KnowsChoices)
{
    const GType pace = register_enum<Pace>(
        "TestPace", {{Pace::slow, "Takes its time", "slow"}, {Pace::quick, "Hurries", "quick"}});
    const GType sides =
        register_flags<unsigned>("TestSides", {{1, "The left one", "left"}, {2, "The right one", "right"}});
    EXPECT_EQ(enum_nick(pace, 1), "quick");
    EXPECT_EQ(enum_value(pace, "slow"), 0);

    PropertyTable<Numbers> table;
    table.add_choice(
        {"pace", "Pace", "How fast", mutable_playing}, pace,
        [](auto &settings) -> auto & { return settings.pace; });
    table.add_flags(
        {"sides", "Sides", "Which ones", mutable_playing}, sides,
        [](auto &settings) -> auto & { return settings.sides; });

    Numbers numbers;
    GValue value = G_VALUE_INIT;
    g_value_init(&value, pace);
    EXPECT_TRUE(table.get(numbers, 1, &value));
    EXPECT_EQ(g_value_get_enum(&value), 1);
    g_value_set_enum(&value, 0);
    EXPECT_TRUE(table.set(numbers, 1, &value));
    EXPECT_EQ(numbers.pace, Pace::slow);
    g_value_unset(&value);

    g_value_init(&value, sides);
    ASSERT_TRUE(gst_value_deserialize(&value, "left+right"));
    EXPECT_TRUE(table.set(numbers, 2, &value));
    EXPECT_EQ(numbers.sides, 3U);
    g_value_unset(&value);
}

// The id behind the table's is that of `stats`, for which the element makes a structure.
TEST(GuardedSettings, AnswersItsPropertiesAndStats)
{
    PropertyTable<Numbers> table;
    table.add_number(
        {"whole", "Whole", "A number", mutable_playing}, 0, 9,
        [](auto &settings) -> auto & { return settings.whole; });
    GuardedSettings<Numbers> settings(table);
    const auto stats = [] { return gst_structure_new("test", "frames", G_TYPE_INT, 7, nullptr); };

    GValue value = G_VALUE_INIT;
    g_value_init(&value, G_TYPE_INT);
    g_value_set_int(&value, 5);
    EXPECT_TRUE(settings.set(1, &value));
    EXPECT_EQ(settings.copy().whole, 5);
    g_value_set_int(&value, 0);
    EXPECT_TRUE(settings.get(1, &value, stats));
    EXPECT_EQ(g_value_get_int(&value), 5);
    EXPECT_FALSE(settings.set(table.stats_id(), &value));
    EXPECT_FALSE(settings.get(table.stats_id() + 1, &value, stats));
    g_value_unset(&value);

    g_value_init(&value, GST_TYPE_STRUCTURE);
    EXPECT_TRUE(settings.get(table.stats_id(), &value, stats));
    int frames = 0;
    EXPECT_TRUE(gst_structure_get_int(gst_value_get_structure(&value), "frames", &frames));
    EXPECT_EQ(frames, 7);
    g_value_unset(&value);
}

} // namespace
} // namespace anime
