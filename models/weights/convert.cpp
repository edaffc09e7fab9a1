// SPDX-License-Identifier: LGPL-2.1-or-later
// anime-convert: turns a published .pt state dict into a .safetensors model that says what it is.
#include "models/error.h"
#include "models/model.h"
#include "models/weights/catalogue.h"
#include "models/weights/mapped_file.h"
#include "models/weights/safetensors.h"
#include "models/weights/state_dict.h"

#include <glib.h>

#include <cstdio>
#include <filesystem>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

namespace anime
{

namespace
{

struct Options {
    std::string input;
    std::string output;
    std::string architecture = "animeganv2";
    std::string upsampling;
    std::string licence;
    std::string name;
    std::string description;
    std::string face_size;
    std::string tone;
};

struct Free {
    void operator()(GOptionContext *context) const { g_option_context_free(context); }
    void operator()(GError *error) const { g_error_free(error); }
};

void print_error(const std::string &message, const std::string &remedy)
{
    std::fprintf(stderr, "anime-convert: %s%s%s\n", message.c_str(), remedy.empty() ? "" : "\n",
                 remedy.c_str());
}

/// Returns false where the command line makes no sense, which has been said.
bool parse(int argc, char **argv, Options &options)
{
    struct Text {
        const char *name;
        const char *argument;
        const char *help;
        std::string *value;
    };
    const Text texts[] = {
        {"architecture", "NAME", "animeganv2 (the default) or lite", &options.architecture},
        {"upsampling", "MODE", "legacy, align-corners or half-pixel; known for checkpoints of the catalogue",
         &options.upsampling},
        {"licence", "TEXT", "what the weights may be used for", &options.licence},
        {"name", "NAME", "the style's name (default: the file's)", &options.name},
        {"description", "TEXT", "one line on the style", &options.description},
        {"face-size", "PIXELS", "side at which it paints faces best", &options.face_size},
        {"tone", "graded", "its light and contrast are its own and are not matched to the photo's",
         &options.tone},
    };
    std::vector<gchar *> values(std::size(texts), nullptr);
    std::vector<GOptionEntry> entries;
    for (std::size_t i = 0; i < std::size(texts); ++i)
        entries.push_back(
            {texts[i].name, 0, 0, G_OPTION_ARG_STRING, &values[i], texts[i].help, texts[i].argument});
    entries.push_back({});

    const std::unique_ptr<GOptionContext, Free> context(g_option_context_new("IN.pt OUT.safetensors"));
    g_option_context_set_summary(context.get(), "Turns a PyTorch state dict into a model of gst-anime.");
    g_option_context_add_main_entries(context.get(), entries.data(), nullptr);
    GError *raw = nullptr;
    const bool parsed = g_option_context_parse(context.get(), &argc, &argv, &raw);
    const std::unique_ptr<GError, Free> error(raw);
    for (std::size_t i = 0; i < std::size(texts); ++i) {
        if (values[i])
            *texts[i].value = values[i];
        g_free(values[i]);
    }
    if (!parsed) {
        print_error(error->message, "");
        return false;
    }
    if (argc != 3) {
        print_error("it takes one input and one output.", "See anime-convert --help.");
        return false;
    }
    options.input = argv[1];
    options.output = argv[2];
    return true;
}

void convert(const Options &options)
{
    const MappedFile file(options.input);
    Safetensors model;
    model.tensors = read_state_dict(file.bytes(), options.input);

    const auto put = [&](const char *key, const std::string &given, const std::string &known) {
        if (const std::string &value = given.empty() ? known : given; !value.empty())
            model.metadata[key] = value;
    };
    const CatalogueEntry *known = identify(file.bytes());
    put("architecture", options.architecture, "");
    put("name", options.name, known ? known->name : std::filesystem::path(options.output).stem().string());
    put("upsampling", options.upsampling, known ? to_string(known->upsampling) : "");
    put("licence", options.licence, known ? known->licence : "");
    put("description", options.description, known ? known->description : "");
    put("face_size", options.face_size, known ? std::to_string(known->face_size) : "");
    put("tone", options.tone, "");
    put("source_sha256", sha256(file.bytes()), "");
    if (!model.metadata.contains("licence"))
        throw Error("model-invalid", "Nothing is known of the licence of '" + options.input + "'.",
                    "Say what its weights may be used for, with --licence.");
    make_model(model, options.output); // refuses what load_model() would refuse later
    write_safetensors(options.output, model);
    std::printf("%s: %zu tensors, %s\n", options.output.c_str(), model.tensors.size(),
                model.metadata["licence"].c_str());
}

} // namespace

} // namespace anime

int main(int argc, char **argv)
{
    anime::Options options;
    if (!anime::parse(argc, argv, options))
        return 2;
    try {
        anime::convert(options);
        return 0;
    } catch (const anime::Error &error) {
        anime::print_error(error.what(), error.remedy());
    } catch (const std::exception &error) {
        anime::print_error(error.what(), "");
    }
    return 1;
}
