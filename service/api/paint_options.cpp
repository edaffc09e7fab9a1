// SPDX-License-Identifier: LGPL-2.1-or-later
#include "service/api/paint_options.h"

#include "service/text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <set>

namespace anime::service
{

namespace
{

constexpr std::size_t most_shown_characters = 120;

template <typename Range, typename Name>
std::string names_of(const Range &range, Name name)
{
    std::string names;
    for (const auto &item : range)
        names += (names.empty() ? "" : ", ") + name(item);
    return names;
}

std::string itself(const std::string &text)
{
    return text;
}

Problem impossible(const char *option, const std::string &value, const std::string &possible)
{
    const std::string shown = clean_text(value, most_shown_characters);
    return make_problem("option-invalid", "'" + shown + "' is not possible for the option '" + option + "'.",
                        "Possible: " + possible + ".");
}

std::optional<int> number_of(const std::string &text)
{
    int number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size())
        return std::nullopt;
    return number;
}

std::optional<bool> boolean_of(const std::string &text)
{
    if (text == "true" || text == "1" || text == "on")
        return true;
    if (text == "false" || text == "0" || text == "off")
        return false;
    return std::nullopt;
}

} // namespace

PaintChoices::PaintChoices(const EngineFacts &facts, std::string default_pipeline) : facts_(&facts)
{
    options_.pipeline = std::move(default_pipeline);
    options_.format.clear();
}

const PaintChoices::Option *PaintChoices::find(const std::string &name)
{
    static const Option options[] = {
        {"style", &PaintChoices::set_style},
        {"strength", &PaintChoices::set_strength},
        {"faces", &PaintChoices::set_faces},
        {"format", &PaintChoices::set_format},
        {"pipeline", &PaintChoices::set_pipeline},
        {"quality", &PaintChoices::set_quality},
        {"max_dimension", &PaintChoices::set_max_dimension},
    };
    const auto *found = std::find_if(std::begin(options), std::end(options),
                                     [&](const Option &option) { return option.name == name; });
    return found == std::end(options) ? nullptr : found;
}

bool PaintChoices::has(const std::string &name)
{
    return find(name) != nullptr;
}

std::optional<Problem> PaintChoices::set(const std::string &name, const std::string &value)
{
    if (const Option *option = find(name))
        return (this->*option->set)(value);
    return make_problem("option-invalid",
                        "There is no option '" + clean_text(name, most_shown_characters) + "'.",
                        "Possible: style, strength, faces, format, quality, max_dimension, pipeline.");
}

std::optional<Problem> PaintChoices::set_style(const std::string &value)
{
    const auto name = [](const StyleEntry &style) { return style.name; };
    if (std::none_of(facts_->styles.begin(), facts_->styles.end(),
                     [&](const StyleEntry &style) { return style.name == value; }))
        return impossible("style", value, names_of(facts_->styles, name));
    options_.style = value;
    return std::nullopt;
}

std::optional<Problem> PaintChoices::set_pipeline(const std::string &value)
{
    if (!facts_->formats.contains(value))
        return impossible("pipeline", value,
                          names_of(facts_->formats, [](const auto &entry) { return entry.first; }));
    options_.pipeline = value;
    return std::nullopt;
}

std::optional<Problem> PaintChoices::set_format(const std::string &value)
{
    // Whether the pipeline makes it is known once all options are.
    std::set<std::string> formats;
    for (const auto &[pipeline, made] : facts_->formats)
        formats.insert(made.begin(), made.end());
    if (!formats.contains(value))
        return impossible("format", value, names_of(formats, itself));
    options_.format = value;
    return std::nullopt;
}

std::optional<Problem> PaintChoices::set_strength(const std::string &value)
{
    double strength = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), strength);
    if (error != std::errc{} || end != value.data() + value.size() || !(strength >= 0 && strength <= 1))
        return impossible("strength", value, "a number from 0 to 1");
    options_.strength = strength;
    return std::nullopt;
}

std::optional<Problem> PaintChoices::set_faces(const std::string &value)
{
    const auto faces = boolean_of(value);
    if (!faces)
        return impossible("faces", value, "true, false");
    options_.faces = *faces;
    return std::nullopt;
}

std::optional<Problem> PaintChoices::set_quality(const std::string &value)
{
    const auto quality = number_of(value);
    if (!quality || *quality < 1 || *quality > 100)
        return impossible("quality", value, "a whole number from 1 to 100");
    options_.quality = *quality;
    return std::nullopt;
}

std::optional<Problem> PaintChoices::set_max_dimension(const std::string &value)
{
    const auto pixels = number_of(value);
    const auto most = static_cast<int>(facts_->max_dimension);
    if (!pixels || *pixels < least_dimension || *pixels > most)
        return impossible("max_dimension", value,
                          most < least_dimension
                              ? "nothing, as nothing here makes pictures smaller"
                              : "a whole number of pixels from " + std::to_string(least_dimension) + " to " +
                                    std::to_string(most));
    options_.max_dimension = *pixels;
    return std::nullopt;
}

/// Whether the format and the pipeline, which are known now, have what was chosen for them.
std::optional<Problem> PaintChoices::complete_numbers() const
{
    if (options_.max_dimension > 0 && !facts_->scalable.contains(options_.pipeline))
        return make_problem("option-invalid",
                            "The pipeline '" + options_.pipeline + "' makes no picture smaller.",
                            "Leave max_dimension out.");
    if (options_.quality == 0)
        return std::nullopt;
    const auto qualities = facts_->qualities.find(options_.pipeline);
    if (qualities != facts_->qualities.end() && qualities->second.contains(options_.format))
        return std::nullopt;
    return make_problem("option-invalid", "A " + options_.format + " has no quality here.",
                        "Leave quality out, or choose another format.");
}

std::optional<Problem> PaintChoices::complete(const std::string &accept)
{
    std::string &format = options_.format;
    const auto &formats = facts_->formats.at(options_.pipeline);
    if (!format.empty()) {
        if (std::find(formats.begin(), formats.end(), format) != formats.end())
            return complete_numbers();
        return make_problem("option-invalid",
                            "The pipeline '" + options_.pipeline + "' makes no " + format + ".",
                            "Possible: " + names_of(formats, itself) + ".");
    }
    std::vector<std::string> types;
    for (const std::string &made : formats)
        types.push_back("image/" + made);
    const std::string type = preferred_picture(accept, types);
    if (type.empty() && prefers_picture(accept))
        return make_problem("not-acceptable",
                            "The pipeline '" + options_.pipeline + "' makes none of the types in Accept.",
                            "Possible: " + names_of(types, itself) + ".");
    format = type.empty() ? formats.front() : type.substr(type.find('/') + 1);
    return complete_numbers();
}

} // namespace anime::service
