// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/service/contract.h"

#include "service/resources.h"

#include <glib.h>
#include <nlohmann/json.hpp>

namespace anime::service
{

namespace
{

using Json = nlohmann::json;

std::set<std::string> seen;

const Json &contract()
{
    static const Json json = Json::parse(resource("/openapi.json"));
    return json;
}

const Json &resolve(const Json &node)
{
    if (!node.contains("$ref"))
        return node;
    return resolve(contract().at(Json::json_pointer(node["$ref"].get<std::string>().substr(1))));
}

/// The part of JSON Schema that openapi.json uses. Empty if `value` keeps to `schema`.
std::string check(const Json &value, const Json &unresolved, const std::string &where)
{
    const Json &schema = resolve(unresolved);
    for (const Json &part : schema.value("allOf", Json::array()))
        if (auto problem = check(value, part, where); !problem.empty())
            return problem;
    if (schema.contains("enum") &&
        std::find(schema["enum"].begin(), schema["enum"].end(), value) == schema["enum"].end())
        return where + " is " + value.dump() + ", not one of " + schema["enum"].dump();
    const std::string type = schema.value("type", "");
    const bool right = type.empty() || (type == "object" && value.is_object()) ||
                       (type == "array" && value.is_array()) || (type == "string" && value.is_string()) ||
                       (type == "boolean" && value.is_boolean()) || (type == "number" && value.is_number()) ||
                       (type == "integer" && value.is_number_integer());
    if (!right)
        return where + " is " + value.dump() + ", not of type " + type;
    if (value.is_object()) {
        for (const Json &name : schema.value("required", Json::array()))
            if (!value.contains(name.get<std::string>()))
                return where + " lacks " + name.get<std::string>();
        const Json properties = schema.value("properties", Json::object());
        for (const auto &[name, property] : properties.items())
            if (value.contains(name))
                if (auto problem = check(value[name], property, where + "." + name); !problem.empty())
                    return problem;
    }
    if (value.is_array() && schema.contains("items"))
        for (const Json &item : value)
            if (auto problem = check(item, schema["items"], where + "[]"); !problem.empty())
                return problem;
    return {};
}

/// The documented path that `path` is an instance of, or itself.
std::string pattern_of(const std::string &path)
{
    const std::string plain = path.substr(0, path.find('?'));
    if (contract()["paths"].contains(plain))
        return plain;
    for (const auto &[pattern, operations] : contract()["paths"].items()) {
        const auto variable = pattern.find("{id}");
        if (variable == std::string::npos)
            continue;
        const std::string before = pattern.substr(0, variable);
        const std::string after = pattern.substr(variable + 4);
        if (plain.starts_with(before) && plain.ends_with(after) &&
            plain.size() > before.size() + after.size() &&
            plain.substr(before.size(), plain.size() - before.size() - after.size()).find('/') ==
                std::string::npos)
            return pattern;
    }
    return plain;
}

std::string upper(std::string method)
{
    for (char &c : method)
        c = g_ascii_toupper(c);
    return method;
}

} // namespace

std::string breach(const std::string &method, const std::string &path, const Answer &answer)
{
    const std::string pattern = pattern_of(path);
    const std::string status = std::to_string(answer.status);
    const std::string name = method + " " + pattern + " " + status;
    std::string lower = method;
    for (char &c : lower)
        c = g_ascii_tolower(c);
    const auto operations = contract()["paths"].find(pattern);
    if (operations == contract()["paths"].end() || !operations->contains(lower) ||
        !(*operations)[lower]["responses"].contains(status))
        return name + " is not documented";
    seen.insert(name);
    const Json &response = resolve((*operations)[lower]["responses"][status]);
    if (!answer.headers.contains("x-request-id"))
        return name + " has no X-Request-ID";
    if (!response.contains("content"))
        return {};
    std::string type = answer.headers.contains("content-type") ? answer.headers.at("content-type") : "";
    type = type.substr(0, type.find(';'));
    if (!response["content"].contains(type))
        return name + " has the undocumented type '" + type + "'";
    if (!type.ends_with("json"))
        return {};
    return check(Json::parse(answer.body), response["content"][type]["schema"], name);
}

std::vector<std::pair<std::string, std::string>> documented_operations()
{
    std::vector<std::pair<std::string, std::string>> all;
    for (const auto &[pattern, operations] : contract()["paths"].items())
        for (const auto &[method, operation] : operations.items()) {
            std::string path = pattern;
            if (const auto variable = path.find("{id}"); variable != std::string::npos)
                path.replace(variable, 4, "none");
            all.emplace_back(upper(method), path);
        }
    return all;
}

std::set<std::string> documented_answers()
{
    std::set<std::string> answers;
    for (const auto &[path, operations] : contract()["paths"].items())
        for (const auto &[method, operation] : operations.items())
            for (const auto &[status, response] : operation["responses"].items())
                answers.insert(upper(method) + " " + path + " " + status);
    return answers;
}

const std::set<std::string> &seen_answers()
{
    return seen;
}

} // namespace anime::service
