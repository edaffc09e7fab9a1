// SPDX-License-Identifier: LGPL-2.1-or-later
#include "pipelines/properties.h"

#include <limits>
#include <sstream>
#include <utility>

namespace anime
{

namespace
{

std::string to_text(const PropertyValue &value)
{
    std::ostringstream out;
    if (const bool *flag = std::get_if<bool>(&value))
        out << (*flag ? "true" : "false");
    else if (const std::string *text = std::get_if<std::string>(&value))
        out << '"' << *text << '"';
    else
        std::visit([&](const auto &number) { out << number; }, value);
    return out.str();
}

/// What a property takes, for people; and the conversion of a value to it.
class Target
{
public:
    Target(GParamSpec *spec) : spec_(spec) { g_value_init(&value_, G_PARAM_SPEC_VALUE_TYPE(spec)); }
    ~Target() { g_value_unset(&value_); }
    Target(const Target &) = delete;
    Target &operator=(const Target &) = delete;

    /// False if the property can't hold `value`.
    bool assign(const PropertyValue &value)
    {
        switch (G_TYPE_FUNDAMENTAL(G_PARAM_SPEC_VALUE_TYPE(spec_))) {
        case G_TYPE_BOOLEAN:
            return assign_boolean(value);
        case G_TYPE_INT:
            return assign_integer<GParamSpecInt, gint>(value, g_value_set_int);
        case G_TYPE_UINT:
            return assign_integer<GParamSpecUInt, guint>(value, g_value_set_uint);
        case G_TYPE_INT64:
            return assign_integer<GParamSpecInt64, gint64>(value, g_value_set_int64);
        case G_TYPE_UINT64:
            return assign_integer<GParamSpecUInt64, guint64>(value, g_value_set_uint64);
        case G_TYPE_FLOAT:
            return assign_real<GParamSpecFloat, gfloat>(value, g_value_set_float);
        case G_TYPE_DOUBLE:
            return assign_real<GParamSpecDouble, gdouble>(value, g_value_set_double);
        case G_TYPE_STRING:
            return assign_string(value);
        case G_TYPE_ENUM:
            return assign_enum(value);
        case G_TYPE_FLAGS:
            return assign_flags(value);
        default:
            takes_ = "a value that can't be given here";
            return false;
        }
    }

    const GValue *value() const { return &value_; }
    const std::string &takes() const { return takes_; }

private:
    bool assign_boolean(const PropertyValue &value)
    {
        takes_ = "true or false";
        const bool *flag = std::get_if<bool>(&value);
        if (flag)
            g_value_set_boolean(&value_, *flag);
        return flag != nullptr;
    }

    template <typename Spec, typename Number>
    bool assign_integer(const PropertyValue &value, void (*set)(GValue *, Number))
    {
        const auto *range = reinterpret_cast<const Spec *>(spec_);
        takes_ =
            "a whole number from " + std::to_string(range->minimum) + " to " + std::to_string(range->maximum);
        const std::int64_t *number = std::get_if<std::int64_t>(&value);
        if (!number || std::cmp_less(*number, range->minimum) || std::cmp_greater(*number, range->maximum))
            return false;
        set(&value_, static_cast<Number>(*number));
        return true;
    }

    template <typename Spec, typename Number>
    bool assign_real(const PropertyValue &value, void (*set)(GValue *, Number))
    {
        const auto *range = reinterpret_cast<const Spec *>(spec_);
        std::ostringstream text;
        text << "a number from " << range->minimum << " to " << range->maximum;
        takes_ = text.str();
        double number = std::numeric_limits<double>::quiet_NaN();
        if (const double *real = std::get_if<double>(&value))
            number = *real;
        else if (const std::int64_t *whole = std::get_if<std::int64_t>(&value))
            number = static_cast<double>(*whole);
        if (!(number >= range->minimum && number <= range->maximum))
            return false;
        set(&value_, static_cast<Number>(number));
        return true;
    }

    bool assign_string(const PropertyValue &value)
    {
        takes_ = "text";
        const std::string *text = std::get_if<std::string>(&value);
        if (text)
            g_value_set_string(&value_, text->c_str());
        return text != nullptr;
    }

    bool assign_enum(const PropertyValue &value)
    {
        const GEnumClass *names = G_PARAM_SPEC_ENUM(spec_)->enum_class;
        takes_ = "one of";
        for (guint i = 0; i < names->n_values; ++i)
            takes_ += std::string(i ? ", " : " ") + names->values[i].value_nick;
        const std::string *nick = std::get_if<std::string>(&value);
        const GEnumValue *found =
            nick ? g_enum_get_value_by_nick(const_cast<GEnumClass *>(names), nick->c_str()) : nullptr;
        if (found)
            g_value_set_enum(&value_, found->value);
        return found != nullptr;
    }

    /// By nicks, joined as GStreamer writes them: "jpeg+png".
    bool assign_flags(const PropertyValue &value)
    {
        GFlagsClass *names = G_PARAM_SPEC_FLAGS(spec_)->flags_class;
        takes_ = "some of";
        for (guint i = 0; i < names->n_values; ++i)
            takes_ += std::string(i ? ", " : " ") + names->values[i].value_nick;
        takes_ += ", joined by +";
        const std::string *nicks = std::get_if<std::string>(&value);
        if (!nicks)
            return false;
        guint flags = 0;
        std::size_t start = 0;
        while (start != std::string::npos) {
            const std::size_t end = nicks->find('+', start);
            const std::string nick = nicks->substr(start, end - start);
            const GFlagsValue *found = g_flags_get_value_by_nick(names, nick.c_str());
            if (!found)
                return false;
            flags |= found->value;
            start = end == std::string::npos ? end : end + 1;
        }
        g_value_set_flags(&value_, flags);
        return true;
    }

    GParamSpec *spec_;
    GValue value_ = G_VALUE_INIT;
    std::string takes_;
};

RunFailure refused(GstElement *element, std::string code, std::string message, std::string remedy)
{
    RunFailure failure;
    failure.code = std::move(code);
    failure.message = std::move(message);
    failure.remedy = std::move(remedy);
    if (GstElementFactory *factory = gst_element_get_factory(element))
        failure.element = GST_OBJECT_NAME(factory);
    return failure;
}

} // namespace

void set_property(GstElement *element, const std::string &name, const std::string &property,
                  const PropertyValue &value)
{
    const std::string full = name + "." + property;
    GParamSpec *spec = g_object_class_find_property(G_OBJECT_GET_CLASS(element), property.c_str());
    if (!spec || !(spec->flags & G_PARAM_WRITABLE) || (spec->flags & G_PARAM_CONSTRUCT_ONLY)) {
        const std::string factory = GST_OBJECT_NAME(gst_element_get_factory(element));
        throw PipelineError(
            refused(element, "option-unknown",
                    "The element " + factory + " has no settable property \"" + property + "\".",
                    "gst-inspect-1.0 " + factory + " lists what can be set."));
    }
    Target target(spec);
    if (!target.assign(value))
        throw PipelineError(refused(element, "option-invalid", full + " can't be " + to_text(value) + ".",
                                    "It takes " + target.takes() + "."));
    g_object_set_property(G_OBJECT(element), property.c_str(), target.value());
}

} // namespace anime
