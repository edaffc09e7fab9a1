// SPDX-License-Identifier: LGPL-2.1-or-later
// The web page and openapi.json, out of the program itself.
#include "service/api/api.h"
#include "service/resources.h"
#include "service/text.h"

#include <map>

namespace anime::service
{

namespace
{

/// The page has no inline script or style and talks to this server only; blob: and data: are the pictures
/// that it shows before and after.
constexpr const char *content_security_policy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src "
    "'self'; "
    "manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

struct PageFile {
    std::string_view data;
    std::string type;
    std::string etag;
};

std::string type_of(const std::string &path)
{
    static const std::map<std::string, std::string> types = {
        {"html", "text/html; charset=utf-8"},
        {"css", "text/css; charset=utf-8"},
        {"js", "text/javascript; charset=utf-8"},
        {"json", "application/json"},
        {"svg", "image/svg+xml"},
        {"webmanifest", "application/manifest+json"},
        {"png", "image/png"},
        {"jpg", "image/jpeg"},
        {"webp", "image/webp"},
        {"ico", "image/x-icon"},
        {"txt", "text/plain; charset=utf-8"},
    };
    const auto found = types.find(path.substr(path.find_last_of('.') + 1));
    return found == types.end() ? "application/octet-stream" : found->second;
}

PageFile make_page(const std::string &path)
{
    const std::string_view data = resource(path);
    return {data, type_of(path), quoted_tag(sha256(data))};
}

/// Everything below /web is served by its path there; / is its index.html.
const std::map<std::string, PageFile> &pages()
{
    static const std::map<std::string, PageFile> pages = [] {
        std::map<std::string, PageFile> map;
        for (const std::string &path : resource_paths())
            if (path.starts_with("/web/"))
                map[path.substr(4)] = make_page(path);
        map["/openapi.json"] = make_page("/openapi.json");
        if (map.contains("/index.html"))
            map["/"] = map["/index.html"];
        return map;
    }();
    return pages;
}

} // namespace

bool is_page(const std::string &path)
{
    return pages().contains(path);
}

std::optional<Response> Api::get_page(ApiExchange &exchange)
{
    const PageFile &page = pages().at(exchange.head.path);
    Response response;
    response.header("Content-Type", page.type);
    response.header("ETag", page.etag);
    response.header("Cache-Control", "no-cache"); // asks each time, and mostly gets a 304
    response.header("Content-Security-Policy", content_security_policy);
    response.header("Referrer-Policy", "no-referrer");
    response.header("Cross-Origin-Opener-Policy", "same-origin");
    if (etag_matches(exchange.head.header("if-none-match"), page.etag)) {
        response.status = 304;
        response.body = AbsentBody{page.data.size()};
        return response;
    }
    response.body = SharedBody{page.data.data(), page.data.size(), nullptr};
    return response;
}

} // namespace anime::service
