// SPDX-License-Identifier: LGPL-2.1-or-later
// A server whose jobs are run by workers elsewhere: it hands them to the broker, follows their states, and
// fetches their pictures. docs/cluster.md tells the protocol.
#pragma once

#include "service/broker/cluster.h"
#include "service/broker/outbox.h"
#include "service/broker/protocol.h"

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>

namespace anime::service::broker
{

class Front final : public Cluster
{
public:
    struct Settings {
        ConnectionSettings connection;
        StreamSettings streams;
        std::int64_t max_bytes = 0; ///< of an upload
    };
    Front(Settings settings, Log &log, Metrics &metrics);
    ~Front() override;
    Front(const Front &) = delete;
    Front &operator=(const Front &) = delete;

    std::unique_ptr<Queue> make_queue() override;
    void open() override;
    void start(JobBoard &board, Host host) override;
    void stop() override;
    bool reachable() const override { return ready_ && connection_.connected(); }
    std::size_t unsent() const override { return outbox_.size(); }
    ClusterLoad load() const override;

    AnswerPtr look_up(const std::string &job, const std::shared_ptr<Waker> &waker) override;
    AnswerPtr fetch(const std::string &key, const std::shared_ptr<Waker> &waker) override;

private:
    class FrontQueue;
    struct Followed {
        RunPtr run;
        std::shared_ptr<const Bytes> input; ///< null if this server has not got it
        std::uint64_t generation = 0;       ///< 0: not known yet
        std::vector<std::string> jobs;
        bool ending = false; ///< its end is being fetched
        bool told = false;   ///< that this takes more than one try
    };
    enum class Tried { done, again };

    /// How long what gets no answer is tried again, under the same id, and how often.
    static constexpr std::chrono::seconds try_for{10};
    static constexpr std::chrono::milliseconds pause{100};
    /// For the broker to have 6 MiB safe.
    static constexpr std::chrono::milliseconds stored_within{5000};

    // Letters, in the outbox's threads.
    void submit(const RunPtr &run, const Entrant &entrant);
    Tried try_submit(const RunPtr &run, const Entrant &entrant);
    Tried claim_key(const JobView &job, const std::string &idempotency, bool &elsewhere);
    bool enter(const RunPtr &run, const Entrant &entrant, Work &work, PicturePtr &picture);
    void publish(const RunPtr &run, const Entrant &entrant, Work work);
    void withdraw(const JobView &job, const Problem &problem);
    void leave(const RunPtr &run, const JobView &job, bool last);
    void end_work(const RunPtr &run, const JobView &job);
    void restore(const std::string &key);
    void finish(const std::string &key, const Followed &followed);
    void deliver(const RunPtr &run, const PicturePtr &picture, bool found);
    bool adopt(const std::string &id);

    // The watcher's thread.
    void watch();
    void apply(const std::string &key, const Work &work);
    void resume(const std::set<std::string> &untouched);
    // The keeper's.
    void keep_up();
    void set_up();
    void measure();
    void sweep();
    void end_overdue();

    void follow(const RunPtr &run, const std::string &job, std::uint64_t generation,
                const std::shared_ptr<const Bytes> &input);
    void unfollow(const std::string &key, const RunPtr &run);
    std::optional<Followed> followed(const std::string &key) const;
    void fail(const std::string &key, const RunPtr &run, const Problem &problem);
    void call_off(const std::string &key, const RunPtr &run);
    Problem problem_of(const BrokerError &error) const;
    std::chrono::seconds grace() const;

    const Settings settings_;
    Log &log_;
    Metrics &metrics_;
    Connection connection_;
    Bucket states_;
    Bucket jobs_;
    Bucket idems_;
    JobBoard *board_ = nullptr;
    Host host_;
    std::string painter_; ///< as subjects have it
    std::atomic<bool> ready_{false};
    std::atomic<bool> stop_{false};
    bool forgotten_before_ = false;            // the keeper's own
    mutable std::mutex lock_;                  // protects what follows
    std::map<std::string, Followed> followed_; // by cache key
    ClusterLoad load_;
    std::thread watcher_;
    std::thread keeper_;
    Outbox outbox_; // its threads use all of the above
};

} // namespace anime::service::broker
