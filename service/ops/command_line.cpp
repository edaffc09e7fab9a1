// SPDX-License-Identifier: LGPL-2.1-or-later
#include "service/ops/command_line.h"

#include <glib.h>

#include <cstddef>
#include <memory>

namespace anime::service
{

namespace
{

using Context = std::unique_ptr<GOptionContext, decltype(&g_option_context_free)>;

/// Where GOption puts what it reads, other than numbers.
struct Given {
    explicit Given(const OptionTable &table)
        : texts(table.texts.size()), lists(table.lists.size()), flags(table.flags.size())
    {
    }
    ~Given()
    {
        for (char *text : texts)
            g_free(text);
        for (char **list : lists)
            g_strfreev(list);
    }
    Given(const Given &) = delete;
    Given &operator=(const Given &) = delete;

    std::vector<char *> texts;
    std::vector<char **> lists;
    std::vector<gboolean> flags;
    gboolean version = FALSE;
    gboolean help = FALSE;
};

std::vector<GOptionEntry> entries_of(const OptionTable &table, Given &given)
{
    std::vector<GOptionEntry> entries;
    for (const NumberOption &n : table.numbers)
        entries.push_back(
            {n.name.c_str(), 0, 0, G_OPTION_ARG_INT64, n.value, n.help.c_str(), n.unit.c_str()});
    for (std::size_t i = 0; i < table.texts.size(); ++i) {
        const TextOption &t = table.texts[i];
        entries.push_back({t.name, 0, 0, G_OPTION_ARG_STRING, &given.texts[i], t.help, t.placeholder});
    }
    for (std::size_t i = 0; i < table.lists.size(); ++i) {
        const ListOption &l = table.lists[i];
        entries.push_back({l.name, 0, 0, G_OPTION_ARG_STRING_ARRAY, &given.lists[i], l.help, l.placeholder});
    }
    for (std::size_t i = 0; i < table.flags.size(); ++i) {
        const FlagOption &f = table.flags[i];
        entries.push_back({f.name, 0, 0, G_OPTION_ARG_NONE, &given.flags[i], f.help, nullptr});
    }
    entries.push_back({"version", 0, 0, G_OPTION_ARG_NONE, &given.version, "print the version", nullptr});
    entries.push_back({"help", 'h', 0, G_OPTION_ARG_NONE, &given.help, "print this", nullptr});
    entries.push_back({nullptr, 0, 0, G_OPTION_ARG_NONE, nullptr, nullptr, nullptr});
    return entries;
}

/// What is wrong; empty if nothing is.
std::string parse(GOptionContext *context, const std::vector<std::string> &arguments)
{
    char **left = g_new0(char *, arguments.size() + 1);
    for (std::size_t i = 0; i < arguments.size(); ++i)
        left[i] = g_strdup(arguments[i].c_str());
    GError *error = nullptr;
    std::string mistake;
    if (!g_option_context_parse_strv(context, &left, &error)) {
        mistake = error->message + std::string(".");
        g_error_free(error);
    } else if (g_strv_length(left) > 1) {
        mistake = "takes no arguments beside its options.";
    }
    g_strfreev(left);
    return mistake;
}

void set_values(const OptionTable &table, const Given &given)
{
    for (std::size_t i = 0; i < table.texts.size(); ++i)
        if (given.texts[i])
            *table.texts[i].value = given.texts[i];
    for (std::size_t i = 0; i < table.lists.size(); ++i)
        if (char **list = given.lists[i])
            table.lists[i].value->assign(list, list + g_strv_length(list));
    for (std::size_t i = 0; i < table.flags.size(); ++i)
        if (given.flags[i])
            *table.flags[i].value = true;
}

} // namespace

CommandLine read_command_line(const OptionTable &table, const std::vector<std::string> &arguments,
                              const char *summary, const char *remarks)
{
    Given given(table);
    const std::vector<GOptionEntry> entries = entries_of(table, given);
    const Context context(g_option_context_new(summary), g_option_context_free);
    g_option_context_set_help_enabled(context.get(), FALSE); // it would end the program itself
    g_option_context_add_main_entries(context.get(), entries.data(), nullptr);
    g_option_context_set_description(context.get(), remarks);

    CommandLine line;
    line.mistake = parse(context.get(), arguments);
    if (!line.mistake.empty())
        return line;
    if (given.help) {
        const std::unique_ptr<char, decltype(&g_free)> text(
            g_option_context_get_help(context.get(), TRUE, nullptr), g_free);
        line.help = text.get();
    }
    line.version = given.version;
    set_values(table, given);
    return line;
}

} // namespace anime::service
