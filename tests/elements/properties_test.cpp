// SPDX-License-Identifier: LGPL-2.1-or-later
// The properties of all elements are told of by the docs.
#include "elements/animeganfilter/gstanimeganfilter.h"
#include "elements/common/gst_raii.h"
#include "elements/facepaint/gstfacepaint.h"
#include "elements/sizeguard/gstsizeguard.h"

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

// The docs say what each property is for, and none that there isn't.
TEST(Properties, AreAllInTheDocs)
{
    GST_ELEMENT_REGISTER(sizeguard, nullptr);
    GST_ELEMENT_REGISTER(facepaint, nullptr);
    GST_ELEMENT_REGISTER(animeganfilter, nullptr);
    std::ifstream file(ANIME_SOURCE_ROOT "/docs/elements.md");
    const std::string docs{std::istreambuf_iterator<char>(file), {}};
    for (const char *name : {"sizeguard", "facepaint", "animeganfilter"}) {
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
