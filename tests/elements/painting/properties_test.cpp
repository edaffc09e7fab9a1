// SPDX-License-Identifier: LGPL-2.1-or-later
// The properties that are described in tables: each is installed, read back, told of by gst-inspect-1.0 and
// by the docs.
#include "elements/animeganfilter/gstanimeganfilter.h"
#include "elements/common/gst_raii.h"
#include "elements/common/property_table.h"
#include "elements/facepaint/gstfacepaint.h"

#include <gst/gst.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <set>
#include <string>

namespace anime
{
namespace
{

struct Numbers {
    int whole = 3;
    std::uint64_t large = 4;
    std::string text = "none";
    bool yes = true;
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
    EXPECT_EQ(table.first_free_id(), 5U);

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

// The docs say what each property is for, and none that there isn't.
TEST(Properties, AreAllInTheDocs)
{
    GST_ELEMENT_REGISTER(facepaint, nullptr);
    GST_ELEMENT_REGISTER(animeganfilter, nullptr);
    std::ifstream file(ANIME_SOURCE_ROOT "/docs/elements.md");
    const std::string docs{std::istreambuf_iterator<char>(file), {}};
    for (const char *name : {"facepaint", "animeganfilter"}) {
        const std::size_t begin = docs.find(std::string("\n## ") + name + "\n");
        ASSERT_NE(begin, std::string::npos);
        const std::string section = docs.substr(begin + 1, docs.find("\n## ", begin + 1) - begin);
        const ElementPtr element(GST_ELEMENT(gst_object_ref_sink(gst_element_factory_make(name, nullptr))));
        guint count = 0;
        GParamSpec **specs = g_object_class_list_properties(G_OBJECT_GET_CLASS(element.get()), &count);
        for (guint i = 0; i < count; ++i) {
            const std::set<std::string> of_all = {"name", "parent", "stats"};
            if (!of_all.contains(specs[i]->name)) {
                EXPECT_NE(section.find(std::string("`") + specs[i]->name + "`"), std::string::npos)
                    << name << " has " << specs[i]->name;
            }
        }
        g_free(specs);
    }
}

} // namespace
} // namespace anime
