// SPDX-License-Identifier: LGPL-2.1-or-later
#include "service/broker/worker.h"

#include "service/broker/times.h"

#include <nlohmann/json.hpp>

#include <exception>
#include <functional>

namespace anime::service::broker
{

namespace
{

using namespace std::chrono_literals;

/// One that so many workers began and none ended is put aside.
constexpr unsigned most_attempts = 3;
constexpr std::chrono::seconds pull_for{1};
constexpr std::chrono::milliseconds pause{100};
/// How long the end of a run is told to a broker that is gone; its message comes again to somebody else.
constexpr std::chrono::minutes insist_for{2};

} // namespace

Worker::Worker(Connection &connection, const Engine &engine, Log &log, Metrics &metrics, Settings settings,
               const std::string &painter)
    : connection_(connection), engine_(engine), log_(log), metrics_(metrics), settings_(std::move(settings)),
      painter_(short_painter(painter)), states_(connection, state_bucket)
{
    keeper_ = std::thread([this] { keep_alive(); });
    for (std::size_t i = 0; i < settings_.threads; ++i)
        threads_.emplace_back([this] { take_turns(); });
}

Worker::~Worker()
{
    drain();
    give_back();
    for (std::thread &thread : threads_)
        thread.join();
    stop_ = true;
    keeper_.join();
}

void Worker::give_back()
{
    giving_back_ = true;
    const std::lock_guard guard(lock_);
    for (const HandPtr &hand : hands_) {
        const std::lock_guard hand_guard(hand->lock);
        hand->given_back = true;
        hand->run->cancel = true;
    }
}

void Worker::take_turns()
{
    std::unique_ptr<Puller> puller;
    std::string said;
    while (!draining_) {
        try {
            if (auto delivery = next(puller)) {
                if (draining_)
                    delivery->give_back(0ms);
                else
                    handle(std::move(*delivery));
            }
            said.clear();
        } catch (const std::exception &error) {
            ready_ = false;
            puller.reset();
            if (said != error.what() && connection_.connected())
                log_.service(Level::warning, error.what());
            said = error.what();
            std::this_thread::sleep_for(pause);
        }
    }
}

std::optional<Delivery> Worker::next(std::unique_ptr<Puller> &puller)
{
    if (!puller) {
        if (!connection_.connected()) {
            std::this_thread::sleep_for(pause);
            return std::nullopt;
        }
        ensure_consumer(connection_, painter_, settings_.ack_wait);
        puller = std::make_unique<Puller>(connection_, tasks_stream, consumer_name(painter_));
    }
    const auto begin = std::chrono::steady_clock::now();
    auto delivery = puller->next(pull_for);
    ready_ = true;
    // It may end early again and again.
    if (!delivery && std::chrono::steady_clock::now() - begin < pull_for / 2)
        std::this_thread::sleep_for(pause);
    return delivery;
}

void Worker::handle(Delivery delivery)
{
    if (delivery.deliveries() > 1)
        ++redelivered_;
    Arrived arrived;
    try {
        arrived = read_task(delivery.message());
    } catch (const std::exception &error) {
        log_.write(Level::error, Layer::service, delivery.message().header("Anime-Request-Id"),
                   "a message in the queue is none that this version knows", {{"reason", error.what()}});
        store(connection_, dead_subject(painter_), delivery.message().data(),
              {{"Anime-Reason", error.what()}});
        delivery.terminate();
        return;
    }
    const auto hand = std::make_shared<Hand>(std::move(delivery), std::move(arrived), connection_.epoch());
    static_cast<Task &>(*hand->run) = hand->arrived.task;
    hand->run->deadline = steady(hand->arrived.deadline);
    {
        const std::lock_guard guard(lock_);
        hands_.push_back(hand);
        if (giving_back_) {
            hand->given_back = true;
            hand->run->cancel = true;
        }
    }
    ++busy_;
    try {
        if (begin(*hand) == Next::run)
            run(hand);
    } catch (const BrokerError &error) {
        // Not acknowledged, it comes again, to whoever is there then.
        log_.write(Level::warning, Layer::service, hand->run->request_id, "left to be taken again",
                   {{"reason", error.what()}});
    } catch (const std::exception &error) {
        log_.write(Level::error, Layer::service, hand->run->request_id, "left to be taken again",
                   {{"reason", error.what()}});
    }
    --busy_;
    const std::lock_guard guard(lock_);
    hands_.remove(hand);
}

/// What is known of it decides: whether it is to be run at all, or only to be ended.
Worker::Next Worker::begin(Hand &hand)
{
    const unsigned attempts = read_record(hand);
    if (hand.lost) {
        acknowledge(hand);
        return Next::end;
    }
    if (attempts >= most_attempts) {
        bury(hand);
        return Next::end;
    }
    if (engine_.painter_digest(hand.run->options) != hand.arrived.painter_digest) {
        log_.write(Level::error, Layer::service, hand.run->request_id,
                   "a model file here is not the front's: given back; start this worker again",
                   {{"style", hand.run->options.style}});
        hand.delivery.give_back(1s);
        return Next::end;
    }
    if (is_settled(hand))
        return Next::end;
    const bool ours = change(hand, [this](Work &work) {
        work.state = JobState::running;
        work.stage = "decode";
        work.progress = 0;
        work.started = now();
        work.worker = settings_.name;
        ++work.attempts;
        ++work.version;
    });
    if (ours)
        return Next::run;
    acknowledge(hand);
    return Next::end;
}

/// How many workers have begun it. It is lost if its record has ended, or gone on without this message.
unsigned Worker::read_record(Hand &hand)
{
    const std::lock_guard guard(hand.lock);
    unsigned attempts = hand.delivery.deliveries() - 1;
    if (const auto entry = states_.get(hand.run->key)) {
        hand.work = read_work(entry->value);
        hand.revision = entry->revision;
        attempts = hand.work.attempts;
    } else {
        // The broker has lost the record: as the message tells it.
        hand.work.generation = hand.arrived.generation;
        hand.work.deadline = hand.arrived.deadline;
        hand.work.request_id = hand.run->request_id;
        hand.work.queued = now();
        hand.work.more = true;
    }
    if (hand.work.generation != hand.arrived.generation || is_final(hand.work.state))
        hand.lost = true;
    else
        hand.run->deadline = steady(hand.work.deadline);
    return attempts;
}

/// Ended here without a run: its picture is known, or its time is over.
bool Worker::is_settled(Hand &hand)
{
    if (const PicturePtr known = find_result(connection_, hand.run->key)) {
        log_.write(Level::info, Layer::inference, hand.run->request_id, "no need to paint",
                   {{"cache", "result"}});
        metrics_.cache("result");
        finish(hand, known->info);
        return true;
    }
    if (hand.run->deadline.load() > std::chrono::steady_clock::now())
        return false;
    const Problem late = make_problem("deadline", "The photo waited longer than the service allows.",
                                      "Try again when the service is less busy.");
    log_.failure(hand.run->request_id, late, "queue", {});
    fail(hand, late);
    return true;
}

void Worker::run(const HandPtr &hand)
{
    Engine::Outcome outcome;
    try {
        metrics_.cache("miss");
        outcome = engine_.run(*hand->run, [&](const std::string &stage, double fraction) {
            try {
                change(*hand, [&](Work &work) {
                    work.stage = stage;
                    work.progress = fraction;
                    ++work.version;
                });
            } catch (const BrokerError &) {
                // Whoever watches misses a step; the end is told again and again.
            }
        });
    } catch (const std::exception &) {
        const auto [problem, reason] = unforeseen_failure();
        log_.failure(hand->run->request_id, problem, "service", {{"reason", reason}});
        fail(*hand, problem);
        return;
    }
    if (outcome.problem) {
        const bool given_back = [&] {
            const std::lock_guard guard(hand->lock);
            return hand->given_back;
        }();
        if (given_back && outcome.problem->code == "cancelled")
            return_to_queue(*hand);
        else
            fail(*hand, *outcome.problem);
        return;
    }
    metrics_.painted(outcome.picture->info.timings);
    insist(*hand, "result", [&] { put_result(connection_, hand->run->key, *outcome.picture); });
    finish(*hand, outcome.picture->info);
}

void Worker::finish(Hand &hand, const PictureInfo &picture)
{
    insist(hand, "state", [&] {
        change(hand, [&](Work &work) {
            work.picture = picture;
            work.progress = 1;
            end(work, JobState::succeeded);
        });
    });
    insist(hand, "acknowledgement", [&] { acknowledge(hand); });
}

void Worker::fail(Hand &hand, const Problem &problem)
{
    if (problem.code != "cancelled")
        metrics_.rejected(problem.code);
    insist(hand, "state", [&] {
        change(hand, [&](Work &work) {
            end(work, problem.code == "cancelled" ? JobState::cancelled : JobState::failed, problem);
        });
    });
    insist(hand, "acknowledgement", [&] { acknowledge(hand); });
}

void Worker::acknowledge(Hand &hand)
{
    hand.delivery.ack();
    if (connection_.epoch() != hand.epoch)
        remove_task(connection_, hand.delivery.sequence(), hand.run->key, hand.arrived.generation);
}

/// Kept for the operator: whoever takes it dies of it.
void Worker::bury(Hand &hand)
{
    const Message &message = hand.delivery.message();
    Headers headers = {{"Anime-Reason", "no worker that began it came to its end"}};
    for (const char *name : {"Anime-Key", "Anime-Request-Id", "Anime-Options", "Anime-Painter"})
        headers.emplace_back(name, message.header(name));
    store(connection_, dead_subject(painter_), message.data(), headers);
    Problem lost = make_problem(
        "worker-lost", "Each of " + std::to_string(most_attempts) + " workers that took the photo died.",
        "Send another photo; the operator has this one, by the request id.", 30);
    lost.limit = most_attempts;
    log_.failure(hand.run->request_id, lost, "queue", {{"kept_in", dead_stream}});
    fail(hand, lost);
}

void Worker::return_to_queue(Hand &hand)
{
    change(hand, [](Work &work) {
        work.state = JobState::queued;
        work.stage = "queue";
        work.progress = 0;
        work.worker.clear();
        if (work.attempts > 0)
            --work.attempts;
        ++work.version;
    });
    hand.delivery.give_back(0ms);
    log_.write(Level::info, Layer::service, hand.run->request_id, "given back to the queue", {});
}

/// From the broker; false if it is not ours to change any more.
bool Worker::refresh_locked(Hand &hand)
{
    const auto entry = states_.get(hand.run->key);
    if (!entry) {
        hand.revision = 0;
        return true;
    }
    Work work = read_work(entry->value);
    hand.revision = entry->revision;
    if (work.generation != hand.arrived.generation || is_final(work.state)) {
        hand.lost = true;
        hand.run->cancel = true;
        return false;
    }
    hand.work = std::move(work);
    hand.run->deadline = steady(hand.work.deadline);
    return true;
}

bool Worker::change(Hand &hand, const std::function<void(Work &)> &how)
{
    const std::lock_guard guard(hand.lock);
    while (!hand.lost) {
        Work changed = hand.work;
        how(changed);
        if (const auto revision = states_.try_put(hand.run->key, write(changed), hand.revision)) {
            hand.revision = *revision;
            hand.work = std::move(changed);
            return true;
        }
        if (!refresh_locked(hand))
            return false;
    }
    return false;
}

/// The end of a run is worth some patience.
template <typename Attempt>
void Worker::insist(const Hand &hand, const char *what, Attempt attempt)
{
    const auto until = std::chrono::steady_clock::now() + insist_for;
    for (;;) {
        try {
            attempt();
            return;
        } catch (const BrokerError &error) {
            const bool may_pass = error.fault() == Fault::gone || error.fault() == Fault::space;
            if (!may_pass || std::chrono::steady_clock::now() >= until || giving_back_)
                throw;
            log_.write(Level::debug, Layer::service, hand.run->request_id, "not told to the broker yet",
                       {{"what", what}, {"reason", error.what()}});
        }
        std::this_thread::sleep_for(pause);
    }
}

} // namespace anime::service::broker
