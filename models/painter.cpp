// SPDX-License-Identifier: LGPL-2.1-or-later
// Opens painters: shares those with equal settings, keeps the last used ones.
#include "models/painter.h"

#include "models/executors/registry.h"
#include "models/model.h"
#include "models/weights/catalogue.h"
#include "models/weights/locate.h"

#include <algorithm>
#include <list>
#include <mutex>
#include <utility>

namespace anime
{

namespace
{

/// The painters of the process.
class Painters
{
public:
    std::shared_ptr<Painter> open(const PaintSettings &settings)
    {
        const std::string identity = model_identity(settings.model);
        // Held while opening, so that what two threads ask for is opened once.
        const std::lock_guard guard(lock_);
        std::erase_if(open_, [](const Open &entry) { return entry.painter.expired(); });
        const auto known = std::find_if(open_.begin(), open_.end(),
                                        [&](const Open &entry) { return entry.settings == settings; });
        if (known != open_.end()) {
            const std::shared_ptr<Painter> painter = known->painter.lock();
            if (painter && known->identity == identity) {
                keep(painter);
                return painter;
            }
            recent_.remove(painter); // its file was replaced
            open_.erase(known);
        }
        trim();
        const std::shared_ptr<Painter> painter = open_with_executor(settings);
        open_.push_back({settings, identity, painter});
        keep(painter);
        return painter;
    }

    void forget_idle()
    {
        const std::lock_guard guard(lock_);
        recent_.clear();
    }

private:
    struct Open {
        PaintSettings settings;
        std::string identity; ///< of the model's file when it was read
        std::weak_ptr<Painter> painter;
    };

    void keep(const std::shared_ptr<Painter> &painter)
    {
        recent_.remove(painter);
        trim();
        recent_.push_front(painter);
    }

    void trim()
    {
        constexpr std::size_t most_bytes = std::size_t{64} << 20;
        std::size_t held = 0;
        const auto beyond = std::find_if(recent_.begin(), recent_.end(), [&held](const auto &painter) {
            held += painter->memory_bytes();
            return held > most_bytes;
        });
        recent_.erase(beyond, recent_.end());
    }

    std::mutex lock_; ///< protects what follows
    std::vector<Open> open_;
    std::list<std::shared_ptr<Painter>> recent_; ///< the last opened first
};

Painters &painters()
{
    // Never destroyed: at exit the libraries that painters need may be gone before.
    static auto &all = *new Painters;
    return all;
}

} // namespace

std::shared_ptr<Painter> open_painter(const PaintSettings &settings)
{
    return painters().open(settings);
}

void forget_idle_painters()
{
    painters().forget_idle();
}

std::vector<ExecutorInfo> list_executors()
{
    std::vector<ExecutorInfo> found;
    for (const Executor &executor : executors())
        found.push_back({std::string(executor.name), std::string(executor.about)});
    return found;
}

std::vector<StyleInfo> list_styles()
{
    std::vector<StyleInfo> styles;
    const auto add = [&styles](const std::string &name, const std::string &found_as) {
        try {
            const auto model = load_model(found_as);
            styles.push_back({name, model->description, model->licence, true});
        } catch (const Error &why) {
            styles.push_back({name, why.what(), "unknown", false});
        }
    };
    for (const ModelSource &source : embedded_styles())
        add(source.name, source.name);
    for (const CatalogueEntry &entry : catalogue()) {
        std::error_code unseen; // where it can't be looked for, it can't be painted with either
        const bool there = find_downloaded(entry.name, unseen).has_value();
        styles.push_back({entry.name, entry.description, entry.licence, there});
    }
    const std::size_t known = styles.size();
    for (const std::string &name : downloaded_names())
        if (std::none_of(styles.begin(), styles.begin() + static_cast<std::ptrdiff_t>(known),
                         [&](const StyleInfo &style) { return style.name == name; }))
            add(name, name);
    return styles;
}

std::string quick_style(const std::string &model)
{
    const std::string &quick = quick_style_of(model == "default" ? default_style() : model);
    const auto &embedded = embedded_styles();
    const bool there = std::any_of(embedded.begin(), embedded.end(),
                                   [&](const ModelSource &source) { return source.name == quick; });
    return there ? quick : std::string();
}

std::string style_digest(const std::string &name_or_path)
{
    return model_digest(name_or_path);
}

} // namespace anime
