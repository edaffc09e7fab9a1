// SPDX-License-Identifier: LGPL-2.1-or-later
#include "pipelines/runner.h"

#include "elements/common/gst_raii.h"
#include "pipelines/failures.h"
#include "pipelines/properties.h"

#include <gst/app/app.h>

#include <future>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

namespace anime
{

namespace
{

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

/// How often cancel and deadline are looked at while nothing is on the bus.
constexpr auto poll_interval = 20ms;

using BusPtr = std::unique_ptr<GstBus, Release<gst_object_unref>>;

RunFailure failure(std::string code, std::string message, std::string remedy = {}, std::string element = {})
{
    RunFailure made;
    made.code = std::move(code);
    made.message = std::move(message);
    made.remedy = std::move(remedy);
    made.element = std::move(element);
    return made;
}

std::string factory_name(GstElement *element)
{
    GstElementFactory *factory = gst_element_get_factory(element);
    return factory ? GST_OBJECT_NAME(factory) : "";
}

bool is_late(const RunLimits &limits)
{
    const auto now = Clock::now();
    return (limits.deadline && now >= *limits.deadline) ||
           (limits.moving_deadline && now >= limits.moving_deadline->load());
}

/// Did data reach this sink? Written by its streaming thread; shared, because a pipeline that would not stop
/// outlives its run.
struct SinkWatch {
    std::string factory;
    std::shared_ptr<std::atomic<bool>> reached = std::make_shared<std::atomic<bool>>(false);
};

GstPadProbeReturn mark_reached(GstPad *, GstPadProbeInfo *, gpointer data)
{
    static_cast<std::shared_ptr<std::atomic<bool>> *>(data)->get()->store(true);
    return GST_PAD_PROBE_REMOVE;
}

/// What reached the appsink; written by its streaming thread.
struct Collected {
    std::mutex lock;
    Bytes bytes;
    std::string media_type;
};

GstFlowReturn collect(GstAppSink *sink, gpointer data)
{
    const SamplePtr sample(gst_app_sink_pull_sample(sink));
    GstBuffer *buffer = sample ? gst_sample_get_buffer(sample.get()) : nullptr;
    if (!buffer)
        return GST_FLOW_EOS;
    const MappedBuffer mapped(buffer, GST_MAP_READ);
    if (!mapped) {
        GST_ELEMENT_ERROR(sink, RESOURCE, READ, ("The output can't be read."), (nullptr));
        return GST_FLOW_ERROR;
    }
    Collected &out = **static_cast<std::shared_ptr<Collected> *>(data);
    const std::lock_guard guard(out.lock);
    try {
        out.bytes.insert(out.bytes.end(), mapped.data(), mapped.data() + mapped.size());
    } catch (const std::bad_alloc &) {
        GST_ELEMENT_ERROR_WITH_DETAILS(sink, RESOURCE, NO_SPACE_LEFT, ("There is no memory for the output."),
                                       (nullptr), ("code", G_TYPE_STRING, "out-of-memory", nullptr));
        return GST_FLOW_ERROR;
    }
    if (const GstCaps *caps = gst_sample_get_caps(sample.get()))
        out.media_type = gst_structure_get_name(gst_caps_get_structure(caps, 0));
    return GST_FLOW_OK;
}

template <typename Shared>
void delete_shared(gpointer data)
{
    delete static_cast<std::shared_ptr<Shared> *>(data);
}

ElementPtr parse(const Description &description)
{
    GError *error = nullptr;
    GstParseContext *context = gst_parse_context_new();
    ElementPtr parsed(
        gst_parse_launch_full(description.text.c_str(), context, GST_PARSE_FLAG_FATAL_ERRORS, &error));
    gchar **missing = gst_parse_context_get_missing_elements(context);
    std::optional<RunFailure> reason;
    if (!parsed || error)
        reason = parse_failure(description, error, missing);
    g_strfreev(missing);
    gst_parse_context_free(context);
    g_clear_error(&error);
    if (reason)
        throw PipelineError(*reason);

    if (parsed)
        gst_object_ref_sink(parsed.get());
    if (GST_IS_PIPELINE(parsed.get()))
        return parsed;
    // A description of a single element is that element.
    ElementPtr pipeline(GST_ELEMENT(gst_object_ref_sink(gst_pipeline_new(nullptr))));
    gst_bin_add(GST_BIN(pipeline.get()), parsed.get());
    return pipeline;
}

} // namespace

struct Pipeline::State {
    Description description;
    ElementPtr pipeline;
    BusPtr bus;
    std::vector<SinkWatch> sinks;
    std::function<void(const GstStructure *)> on_message;
    std::function<void(const RunFailure &)> on_warning;
    bool stopped = true;
    bool stuck = false;

    // What the bus said; the first error that gives its reason wins over the first one.
    std::optional<RunFailure> error;
    bool error_has_details = false;
    bool eos = false;
    bool sink_failed = false;

    ElementPtr element(const std::string &name) const
    {
        return ElementPtr(gst_bin_get_by_name(GST_BIN(pipeline.get()), name.c_str()));
    }

    void watch_sinks()
    {
        GstIterator *sinks_found = gst_bin_iterate_sinks(GST_BIN(pipeline.get()));
        gst_iterator_foreach(
            sinks_found,
            [](const GValue *value, gpointer data) {
                auto *sink = GST_ELEMENT(g_value_get_object(value));
                const PadPtr pad(gst_element_get_static_pad(sink, "sink"));
                if (!pad)
                    return;
                SinkWatch watch{factory_name(sink)};
                using Flag = std::atomic<bool>;
                gst_pad_add_probe(
                    pad.get(),
                    static_cast<GstPadProbeType>(GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_BUFFER_LIST),
                    mark_reached, new std::shared_ptr<Flag>(watch.reached), delete_shared<Flag>);
                static_cast<std::vector<SinkWatch> *>(data)->push_back(std::move(watch));
            },
            &sinks);
        gst_iterator_free(sinks_found);
    }

    void handle(GstMessage *message)
    {
        switch (GST_MESSAGE_TYPE(message)) {
        case GST_MESSAGE_ERROR: {
            const bool details = has_details(message);
            if (!error || (details && !error_has_details)) {
                error = failure_of(message);
                error_has_details = details;
            }
            if (GST_OBJECT_FLAG_IS_SET(GST_MESSAGE_SRC(message), GST_ELEMENT_FLAG_SINK))
                sink_failed = true; // a sink that can't write says that it is at the end all the same
            break;
        }
        case GST_MESSAGE_EOS:
            eos = true;
            break;
        case GST_MESSAGE_ELEMENT:
            if (on_message)
                on_message(gst_message_get_structure(message));
            break;
        case GST_MESSAGE_WARNING:
            if (on_warning)
                on_warning(failure_of(message));
            break;
        case GST_MESSAGE_LATENCY:
            gst_bin_recalculate_latency(GST_BIN(pipeline.get()));
            break;
        default:
            break;
        }
    }

    bool handle_next(GstClockTime timeout)
    {
        constexpr auto kinds =
            static_cast<GstMessageType>(GST_MESSAGE_ERROR | GST_MESSAGE_WARNING | GST_MESSAGE_EOS |
                                        GST_MESSAGE_ELEMENT | GST_MESSAGE_LATENCY);
        const MessagePtr message(gst_bus_timed_pop_filtered(bus.get(), timeout, kinds));
        if (message)
            handle(message.get());
        return message != nullptr;
    }

    /// Stops all streaming threads, from a thread of its own, because an element that does not return would
    /// hold its caller for ever.
    void stop(std::chrono::milliseconds within)
    {
        if (std::exchange(stopped, true))
            return;
        std::promise<void> done;
        std::future<void> is_done = done.get_future();
        std::thread stopper;
        try {
            stopper = std::thread([done = std::move(done),
                                   held = ElementPtr(GST_ELEMENT(gst_object_ref(pipeline.get())))]() mutable {
                gst_element_set_state(held.get(), GST_STATE_NULL);
                held.reset();
                done.set_value();
            });
        } catch (const std::system_error &) {
            // There is no thread to be had. Left playing it would not give its own ones back either.
            gst_element_set_state(pipeline.get(), GST_STATE_NULL);
            return;
        }
        if (is_done.wait_for(within) == std::future_status::ready) {
            stopper.join();
        } else {
            stuck = true;
            stopper.detach();
        }
    }

    std::optional<RunFailure> play(const RunLimits &limits)
    {
        stopped = false;
        if (gst_element_set_state(pipeline.get(), GST_STATE_PLAYING) == GST_STATE_CHANGE_FAILURE) {
            while (handle_next(0)) {
            }
            stop(limits.stop_within);
            return error ? error
                         : failure("failed", "The pipeline \"" + description.name + "\" does not start.");
        }

        std::optional<RunFailure> interrupted;
        std::optional<Clock::time_point> last_moment; // after an error
        while (!eos && !interrupted) {
            if (error && !last_moment)
                last_moment = Clock::now() + limits.finish_within;
            if (last_moment && Clock::now() >= *last_moment)
                break;
            if (limits.cancel && limits.cancel->load())
                interrupted = failure("cancelled", "The run was cancelled.");
            else if (is_late(limits))
                interrupted = failure("deadline", "The time allowed for it has passed.",
                                      "Try again, or with a smaller picture.");
            else if (limits.watch)
                interrupted = limits.watch(error.has_value());
            if (!interrupted)
                handle_next(GstClockTime(std::chrono::nanoseconds(poll_interval).count()));
        }

        // What an element says because it is stopped, amid its negotiation, is no reason for having stopped
        // it. Some say more than can be read: a thousand messages are enough to find one of before.
        for (int i = 0; interrupted && i < 1000 && handle_next(0); ++i) {
        }
        const bool gave_up_waiting = error && interrupted && interrupted->code != "cancelled";

        // Stopping joins the streaming threads, so every element has had its say on the bus after it.
        stop(limits.stop_within);
        while (handle_next(0)) {
        }
        return interrupted && !gave_up_waiting ? interrupted : error;
    }

    RunResult run(const RunLimits &limits)
    {
        RunResult result;
        watch_sinks();
        result.failure = play(limits);
        result.reached_end = eos && !sink_failed;
        if (stuck)
            result.failure = failure("stuck", "The pipeline \"" + description.name + "\" did not stop.",
                                     "Please report it with the element messages before it.");
        if (result.failure)
            return result;
        for (const SinkWatch &sink : sinks)
            if (!sink.reached->load())
                result.failure =
                    failure("no-output", "The input ended and nothing came out of it.",
                            "It is empty, or not an image that the pipeline can read.", sink.factory);
        return result;
    }
};

Pipeline::Pipeline(const Description &description) : state_(std::make_unique<State>())
{
    state_->description = description;
    state_->pipeline = parse(description);
    // Messages of the last moment are read after the pipeline went to NULL.
    gst_pipeline_set_auto_flush_bus(GST_PIPELINE(state_->pipeline.get()), FALSE);
    state_->bus.reset(gst_pipeline_get_bus(GST_PIPELINE(state_->pipeline.get())));
}

Pipeline::~Pipeline()
{
    state_->stop(RunLimits{}.stop_within);
    gst_bus_set_flushing(state_->bus.get(), TRUE);
}

void Pipeline::set(const std::string &element, const std::string &property, const PropertyValue &value)
{
    const ElementPtr target = state_->element(element);
    if (!target)
        throw PipelineError(failure("option-unknown",
                                    "The pipeline \"" + state_->description.name +
                                        "\" has no element named \"" + element + "\", so \"" + property +
                                        "\" can't be set.",
                                    "Name it in the description: name=" + element + "."));
    set_property(target.get(), element, property, value);
}

bool Pipeline::has(const std::string &element, const std::string &factory) const
{
    const ElementPtr found = state_->element(element);
    return found && (factory.empty() || factory_name(found.get()) == factory);
}

ElementPtr Pipeline::element(const std::string &name) const
{
    return state_->element(name);
}

void Pipeline::on_warning(std::function<void(const RunFailure &)> callback)
{
    state_->on_warning = std::move(callback);
}

void Pipeline::on_message(std::function<void(const GstStructure *)> callback)
{
    state_->on_message = std::move(callback);
}

RunResult Pipeline::run(const RunLimits &limits)
{
    return state_->run(limits);
}

MemoryResult Pipeline::run(std::shared_ptr<const Bytes> input, const RunLimits &limits)
{
    const ElementPtr source = state_->element("input");
    const ElementPtr sink = state_->element("output");
    if (!source || !GST_IS_APP_SRC(source.get()) || !sink || !GST_IS_APP_SINK(sink.get()))
        throw PipelineError(failure("description-invalid",
                                    "The pipeline \"" + state_->description.name +
                                        "\" has no appsrc named \"input\" and appsink named \"output\"."));

    auto collected = std::make_shared<Collected>();
    GstAppSinkCallbacks callbacks = {};
    callbacks.new_sample = collect;
    gst_app_sink_set_callbacks(GST_APP_SINK(sink.get()), &callbacks,
                               new std::shared_ptr<Collected>(collected), delete_shared<Collected>);

    // It waits in the appsrc's queue until that starts.
    if (!input->empty()) {
        using Input = const Bytes;
        gst_app_src_push_buffer(
            GST_APP_SRC(source.get()),
            gst_buffer_new_wrapped_full(GST_MEMORY_FLAG_READONLY, const_cast<guint8 *>(input->data()),
                                        input->size(), 0, input->size(), new std::shared_ptr<Input>(input),
                                        delete_shared<Input>));
    }
    gst_app_src_end_of_stream(GST_APP_SRC(source.get()));

    MemoryResult result;
    static_cast<RunResult &>(result) = state_->run(limits);
    if (result.ok()) {
        const std::lock_guard guard(collected->lock);
        result.output = std::move(collected->bytes);
        result.media_type = collected->media_type;
    }
    return result;
}

} // namespace anime
