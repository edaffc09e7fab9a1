// SPDX-License-Identifier: LGPL-2.1-or-later
// The real service on a free port, with the stock pipelines of tests/service/pipelines.
#pragma once

#include "tests/service/contract.h"
#include "tests/service/http_client.h"

#include "service/service.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <atomic>
#include <fcntl.h>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <sys/mman.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace anime::service
{

/// A small JPEG; equal seeds make equal bytes.
std::string photo(int seed = 0);
/// One that the description `slow` works on for 30 ms a picture in it. Where something has to be done before
/// it is painted, a busy machine needs the time of many.
std::string slow_photo(int seed = 0, int pictures = 10);

class ServiceTest : public testing::Test
{
protected:
    ServiceTest()
    {
        options_.port = 0;
        options_.metrics_port = 0;
        options_.limits.rate = 100000;
        options_.limits.burst = 100000;
        // What all tests of the program left behind counts, and what a sanitizer keeps to find errors with.
        options_.limits.memory_soft = std::int64_t{1} << 40;
        options_.limits.memory_hard = std::int64_t{1} << 40;
    }
    ~ServiceTest() override { stop(); }

    void start(bool warm = true)
    {
        log_file_ = memfd_create("log", MFD_CLOEXEC);
        lines_ = std::make_unique<LineWriter>(log_file_);
        service_ = std::make_unique<Service>(options_, *lines_);
        if (warm)
            service_->start();
        ticking_ = true;
        ticker_ = std::thread([this] {
            while (ticking_) {
                service_->tick();
                std::this_thread::sleep_for(std::chrono::milliseconds(20));
            }
        });
    }

    void stop()
    {
        ticking_ = false;
        if (ticker_.joinable())
            ticker_.join();
        service_.reset();
        lines_.reset();
    }

    /// The log so far, stopping the service first.
    std::string log()
    {
        stop();
        std::string text(static_cast<std::size_t>(lseek(log_file_, 0, SEEK_END)), '\0');
        EXPECT_EQ(pread(log_file_, text.data(), text.size(), 0), static_cast<ssize_t>(text.size()));
        return text;
    }

    std::vector<nlohmann::json> log_lines()
    {
        std::vector<nlohmann::json> lines;
        std::istringstream text(log());
        for (std::string line; std::getline(text, line);)
            lines.push_back(nlohmann::json::parse(line));
        return lines;
    }

    /// An upload of a slow_photo() that takes its time, for a Client.
    static std::string slow_upload(const std::string &photo, const std::string &headers = {})
    {
        return "POST /upload?pipeline=slow HTTP/1.1\r\nHost: x\r\nContent-Type: image/jpeg\r\n" + headers +
               "Content-Length: " + std::to_string(photo.size()) + "\r\n\r\n" + photo;
    }

    /// A request whose answer has to be as documented.
    Answer ask(const std::string &method, const std::string &path, const std::string &body = {},
               std::map<std::string, std::string> headers = {}, int last = 1)
    {
        Answer answer = request(service_->port(), method, path, body, headers, last);
        EXPECT_EQ(breach(method, path, answer), "") << answer.body.substr(0, 1000);
        return answer;
    }
    Answer post(const std::string &path, const std::string &photo,
                std::map<std::string, std::string> headers = {})
    {
        headers["Content-Type"] = "image/jpeg";
        return ask("POST", path, photo, headers);
    }
    Answer post_form(const std::string &path, const std::string &body)
    {
        return ask("POST", path, body, {{"Content-Type", form_type}});
    }
    static nlohmann::json json(const Answer &answer) { return nlohmann::json::parse(answer.body); }
    static std::string code(const Answer &answer)
    {
        EXPECT_EQ(answer.headers.at("content-type"), "application/problem+json") << answer.body;
        return json(answer).value("code", "");
    }
    /// Polls the job until it is final.
    nlohmann::json finished(const std::string &id)
    {
        const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
        nlohmann::json job;
        do
            job = json(ask("GET", "/v1/jobs/" + id, {}, {{"Prefer", "wait=15"}}));
        while ((job["state"] == "queued" || job["state"] == "running") &&
               std::chrono::steady_clock::now() < end);
        return job;
    }
    std::string create(const std::string &path, const std::string &photo)
    {
        return json(post(path, photo)).value("id", "");
    }
    /// Reads the metrics until the one of that name, its labels included, is as wanted. What an answer counts
    /// is counted after its client has it.
    template <typename Wanted>
    void await_metric(const std::string &name, Wanted wanted)
    {
        const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
        std::string line;
        do {
            const std::string all = request(service_->metrics_port(), "GET", "/metrics").body;
            const auto at = all.find("\n" + name + " ");
            line = at == std::string::npos ? "" : all.substr(at + 1, all.find('\n', at + 1) - at - 1);
            if (!line.empty() && wanted(std::stod(line.substr(name.size()))))
                return;
            std::this_thread::sleep_for(std::chrono::milliseconds(2));
        } while (std::chrono::steady_clock::now() < end);
        FAIL() << "after a minute: " << (line.empty() ? "no " + name : line);
    }
    std::uint16_t port() const { return service_->port(); }

    Options options_;
    std::unique_ptr<LineWriter> lines_;
    std::unique_ptr<Service> service_;

private:
    int log_file_ = -1;
    std::atomic<bool> ticking_{false};
    std::thread ticker_;
};

} // namespace anime::service
