// SPDX-License-Identifier: LGPL-2.1-or-later
// Takes work from the broker, one delivery a thread, and sees it to its end: a result, a final state, an
// acknowledgement, in this order, so that whoever takes it after a crash goes on where it was left.
#pragma once

#include "service/broker/protocol.h"
#include "service/engine/engine.h"
#include "service/ops/log.h"
#include "service/ops/metrics.h"

#include <atomic>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace anime::service::broker
{

class Worker
{
public:
    struct Settings {
        std::string name; ///< of this worker, for the states and logs
        std::size_t threads = 1;
        std::chrono::milliseconds ack_wait{5000};
    };
    /// `painter` is the digest of all that paints here.
    Worker(Connection &connection, const Engine &engine, Log &log, Metrics &metrics, Settings settings,
           const std::string &painter);
    /// Gives back what is in hand.
    ~Worker();
    Worker(const Worker &) = delete;
    Worker &operator=(const Worker &) = delete;

    /// It listens to the broker's queue.
    bool ready() const { return ready_ && connection_.connected(); }
    /// Takes nothing more.
    void drain() { draining_ = true; }
    /// Stops what runs, for another worker to begin anew.
    void give_back();
    std::size_t busy() const { return busy_; }
    std::uint64_t redelivered() const { return redelivered_; }

private:
    /// A delivery on which a thread is working.
    struct Hand {
        Hand(Delivery taken, Arrived task, std::uint64_t connection)
            : delivery(std::move(taken)), arrived(std::move(task)), epoch(connection)
        {
        }
        Delivery delivery;
        Arrived arrived;
        const std::uint64_t epoch; ///< of the connection that it came by
        RunPtr run = std::make_shared<Run>();
        std::mutex lock; // protects what follows
        Work work;
        std::uint64_t revision = 0; ///< of `work` in its bucket
        bool lost = false;          ///< others have ended it, or nobody wants it
        bool given_back = false;
    };
    using HandPtr = std::shared_ptr<Hand>;
    enum class Next { run, end };

    void take_turns();
    std::optional<Delivery> next(std::unique_ptr<Puller> &puller);
    void handle(Delivery delivery);
    Next begin(Hand &hand);
    unsigned read_record(Hand &hand);
    bool is_settled(Hand &hand);
    void run(const HandPtr &hand);
    void finish(Hand &hand, const PictureInfo &picture);
    void fail(Hand &hand, const Problem &problem);
    void bury(Hand &hand);
    void return_to_queue(Hand &hand);
    void acknowledge(Hand &hand);

    /// Changes the record; false if it is not ours to change any more.
    bool change(Hand &hand, const std::function<void(Work &)> &how);
    bool refresh_locked(Hand &hand);
    template <typename Attempt>
    void insist(const Hand &hand, const char *what, Attempt attempt);

    void keep_alive();
    void beat();
    void heed(const std::string &key, std::uint64_t generation);

    Connection &connection_;
    const Engine &engine_;
    Log &log_;
    Metrics &metrics_;
    const Settings settings_;
    const std::string painter_;
    Bucket states_;
    std::atomic<bool> ready_{false};
    std::atomic<bool> draining_{false};
    std::atomic<bool> giving_back_{false};
    std::atomic<bool> stop_{false};
    std::atomic<std::size_t> busy_{0};
    std::atomic<std::uint64_t> redelivered_{0};
    std::mutex lock_; // protects what follows
    std::list<HandPtr> hands_;
    std::thread keeper_;
    std::vector<std::thread> threads_;
};

} // namespace anime::service::broker
