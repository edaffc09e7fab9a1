// SPDX-License-Identifier: LGPL-2.1-or-later
// Reads and writes .safetensors (format: https://huggingface.co/docs/safetensors, "Format").
#include "models/weights/safetensors.h"

#include "models/error.h"
#include "models/weights/stored_floats.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <optional>
#include <set>
#include <utility>
#include <vector>

namespace anime
{

namespace
{

using nlohmann::json;

constexpr std::size_t length_bytes = 8;

[[noreturn]] void invalid(const std::string &source, const std::string &what)
{
    throw Error("model-invalid", "'" + source + "' is not a usable .safetensors file: " + what + ".",
                "Download or convert the model again.");
}

/// One tensor of the header, checked but not yet read.
struct Entry {
    std::string name;
    FloatFormat format = FloatFormat::f32;
    std::vector<std::int64_t> shape;
    std::size_t begin = 0;
    std::size_t end = 0;
    std::size_t count = 1;
};

std::optional<FloatFormat> parse_dtype(const std::string &dtype)
{
    if (dtype == "F32")
        return FloatFormat::f32;
    if (dtype == "F16")
        return FloatFormat::f16;
    if (dtype == "BF16")
        return FloatFormat::bf16;
    return std::nullopt;
}

/// Parses the header. Deeper nesting than a tensor's lists and keys that come twice are refused while
/// parsing, so that a hostile header costs no more than its own length.
json parse_header(std::string_view text, const std::string &source)
{
    constexpr int deepest = 3; // header, tensor, its list
    std::vector<std::set<std::string>> keys(deepest + 1);
    std::string trouble;
    const auto watch = [&](int depth, json::parse_event_t event, json &value) {
        if (event == json::parse_event_t::object_start || event == json::parse_event_t::array_start) {
            if (depth >= deepest && trouble.empty())
                trouble = "its header is nested too deeply";
            else if (depth < deepest)
                keys[depth + 1].clear();
        } else if (event == json::parse_event_t::key && depth <= deepest) {
            const auto &key = value.get_ref<const std::string &>();
            if (key.size() > max_name_bytes)
                trouble = "a name in its header is longer than " + std::to_string(max_name_bytes) + " bytes";
            else if (!keys[depth].insert(key).second)
                trouble = "its header names '" + key + "' twice";
        }
        return trouble.empty();
    };
    json header = json::parse(text, watch, false);
    if (!trouble.empty())
        invalid(source, trouble);
    if (!header.is_object())
        invalid(source, "its header is not a JSON object");
    return header;
}

Entry parse_entry(const std::string &name, const json &value, std::size_t data_bytes,
                  const std::string &source)
{
    const std::string tensor = "the tensor '" + name + "' ";
    const auto bad = [&](const std::string &what) { invalid(source, tensor + what); };
    const auto is_count_list = [](const json &list) {
        return list.is_array() &&
               std::all_of(list.begin(), list.end(), [](const json &n) { return n.is_number_unsigned(); });
    };

    if (!value.is_object() || value.size() != 3 || !value.contains("dtype") || !value.contains("shape") ||
        !value.contains("data_offsets"))
        bad("does not have exactly dtype, shape and data_offsets");

    Entry entry;
    entry.name = name;
    if (!value["dtype"].is_string())
        bad("has a dtype that is not a string");
    const auto dtype = value["dtype"].get<std::string>();
    const std::optional<FloatFormat> format = parse_dtype(dtype);
    if (!format)
        bad((dtype.size() > 16 ? "has a dtype of " + std::to_string(dtype.size()) + " bytes"
                               : "has the dtype '" + dtype + "'") +
            "; F32, F16 and BF16 are read");
    entry.format = *format;

    const json &shape = value["shape"];
    if (!is_count_list(shape) || shape.size() > max_rank)
        bad("has a shape that is not a list of at most " + std::to_string(max_rank) + " sizes");
    for (const json &n : shape) {
        const auto size = n.get<std::uint64_t>();
        if (size == 0 || size > data_bytes || __builtin_mul_overflow(entry.count, size, &entry.count))
            bad("has a shape that its file can't hold");
        entry.shape.push_back(static_cast<std::int64_t>(size));
    }

    const json &offsets = value["data_offsets"];
    if (!is_count_list(offsets) || offsets.size() != 2)
        bad("has data_offsets that are not two positions");
    entry.begin = offsets[0].get<std::uint64_t>();
    entry.end = offsets[1].get<std::uint64_t>();
    if (entry.begin > entry.end || entry.end > data_bytes)
        bad("lies outside the file: bytes " + std::to_string(entry.begin) + " to " +
            std::to_string(entry.end) + " of " + std::to_string(data_bytes));
    std::size_t bytes = 0;
    if (__builtin_mul_overflow(entry.count, bytes_of(entry.format), &bytes) ||
        bytes != entry.end - entry.begin)
        bad("has " + std::to_string(entry.end - entry.begin) +
            " bytes, which is not its shape times its dtype");
    return entry;
}

std::map<std::string, std::string> parse_metadata(const json &value, const std::string &source)
{
    if (!value.is_object())
        invalid(source, "its __metadata__ is not an object");
    std::map<std::string, std::string> metadata;
    for (const auto &[key, text] : value.items()) {
        if (!text.is_string())
            invalid(source, "the metadata '" + key + "' is not a string");
        metadata.emplace(key, text.get<std::string>());
    }
    return metadata;
}

/// The format demands that tensors follow each other without overlap, hole or rest.
void check_coverage(std::vector<Entry> &entries, std::size_t data_bytes, const std::string &source)
{
    std::sort(entries.begin(), entries.end(), [](const Entry &a, const Entry &b) {
        return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
    });
    std::size_t expected = 0;
    for (const Entry &entry : entries) {
        if (entry.begin != expected)
            invalid(source, "the tensor '" + entry.name + "' begins at byte " + std::to_string(entry.begin) +
                                " where the one before it ends at " + std::to_string(expected));
        expected = entry.end;
    }
    if (expected != data_bytes)
        invalid(source,
                std::to_string(data_bytes - expected) + " bytes after the last tensor belong to none");
}

WeightPtr read_tensor(Entry entry, std::span<const std::byte> data)
{
    auto weight = std::make_shared<Weight>();
    weight->name = std::move(entry.name);
    weight->shape = std::move(entry.shape);
    weight->data = to_floats(entry.format, data.subspan(entry.begin, entry.end - entry.begin));
    return weight;
}

} // namespace

Safetensors parse_safetensors(std::span<const std::byte> bytes, const std::string &source)
{
    if (bytes.size() < length_bytes)
        invalid(source, "it has only " + std::to_string(bytes.size()) + " bytes");
    std::uint64_t header_bytes = 0;
    std::memcpy(&header_bytes, bytes.data(), length_bytes);
    if (header_bytes > max_header_bytes)
        invalid(source, "its header would have " + std::to_string(header_bytes) + " bytes, and " +
                            std::to_string(max_header_bytes) + " are the limit");
    if (header_bytes > bytes.size() - length_bytes)
        invalid(source, "it ends inside its header of " + std::to_string(header_bytes) + " bytes");

    const std::string_view text(reinterpret_cast<const char *>(bytes.data()) + length_bytes, header_bytes);
    const std::span<const std::byte> data = bytes.subspan(length_bytes + header_bytes);
    if (!text.starts_with('{'))
        invalid(source, "its header is not a JSON object");
    const json header = parse_header(text, source);
    if (header.size() > max_tensors + 1)
        invalid(source, "it has more than " + std::to_string(max_tensors) + " tensors");

    Safetensors contents;
    std::vector<Entry> entries;
    for (const auto &[name, value] : header.items()) {
        if (name == "__metadata__")
            contents.metadata = parse_metadata(value, source);
        else
            entries.push_back(parse_entry(name, value, data.size(), source));
    }
    check_coverage(entries, data.size(), source);
    for (Entry &entry : entries) {
        WeightPtr weight = read_tensor(std::move(entry), data);
        std::string name = weight->name;
        contents.tensors.emplace(std::move(name), std::move(weight));
    }
    return contents;
}

void write_safetensors(const std::filesystem::path &path, const Safetensors &contents)
{
    json header = json::object();
    if (!contents.metadata.empty())
        header["__metadata__"] = contents.metadata;
    std::size_t offset = 0;
    for (const auto &[name, weight] : contents.tensors) {
        const std::size_t bytes = weight->data.size() * sizeof(float);
        header[name] = {
            {"dtype", "F32"}, {"shape", weight->shape}, {"data_offsets", {offset, offset + bytes}}};
        offset += bytes;
    }
    std::string text = header.dump();
    // The format asks for tensors that begin at a multiple of eight.
    text.resize((text.size() + length_bytes - 1) / length_bytes * length_bytes, ' ');
    const std::uint64_t header_bytes = text.size();

    std::filesystem::path part = path;
    part += ".part";
    std::ofstream file(part, std::ios::binary);
    file.write(reinterpret_cast<const char *>(&header_bytes), length_bytes);
    file << text;
    for (const auto &[name, weight] : contents.tensors)
        file.write(reinterpret_cast<const char *>(weight->data.data()),
                   static_cast<std::streamsize>(weight->data.size() * sizeof(float)));
    file.close();
    if (!file) {
        const std::error_code why(errno, std::generic_category());
        std::filesystem::remove(part);
        throw std::filesystem::filesystem_error("can't write the model", path, why);
    }
    std::filesystem::rename(part, path);
}

} // namespace anime
