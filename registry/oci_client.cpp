#include "registry/oci_client.h"

#include <memory>
#include <utility>

#include "core/error.h"

namespace mlship {
namespace {

constexpr int most_pages = 10'000;

// RFC 8288: `<URL>; rel="next"`; "" when there is none.
std::string next_page(const HttpResponse& response) {
  const auto [first, last] = response.headers.equal_range("link");
  for (auto header = first; header != last; ++header) {
    const std::string& value = header->second;
    const size_t open = value.find('<');
    const size_t close = value.find('>', open);
    if (open == std::string::npos || close == std::string::npos) continue;
    const std::string rest = value.substr(close);
    if (rest.find("rel=\"next\"") != std::string::npos || rest.find("rel=next") != std::string::npos)
      return value.substr(open + 1, close - open - 1);
  }
  return "";
}

}  // namespace

OciClient::OciClient(const RegistryOptions& options, Host& host, std::optional<RegistryLogin> login)
    : options_(options),
      place_(read_oci_place(options)),
      host_(host),
      auth_(place_, options_, host, std::move(login)) {}

OciClient::Beside OciClient::beside() const {
  Beside out;
  out.http = host_.http.another({});
  out.host =
      std::make_unique<Host>(Host{host_.env, host_.clock, out.http ? *out.http : host_.http, host_.process});
  out.client = std::make_unique<OciClient>(options_, *out.host);
  return out;
}

std::uint64_t OciClient::prepare(HttpRequest& request, const Scopes& scopes) {
  const auto url = read_url("", request.url);
  if (!url) throw Error(ErrorCode::network, "cannot reach '" + printable_url(request.url) + "': not a URL");
  request.plain_http = !place_.tls;
  request.ca_file = options_.ca_file;
  // CVE-2026-50151: what is for the registry is not for whoever it points to.
  if (url->origin() == place_.origin) return auth_.authorize(request, scopes);
  return 0;
}

void OciClient::run(std::deque<OciJob>& jobs, int parallel) {
  const auto next = [&]() -> std::optional<Transfer> {
    if (jobs.empty()) return std::nullopt;
    const auto job = std::make_shared<OciJob>(std::move(jobs.front()));
    jobs.pop_front();
    Transfer transfer{job->make(), {}, job->failed};
    const std::uint64_t mark = prepare(transfer.request, job->scopes);
    const bool own = read_url("", transfer.request.url)->origin() == place_.origin;
    transfer.done = [this, &jobs, job, mark, own](HttpResponse response) {
      if (response.status == 401 && own && !job->again && auth_.learn(response, job->scopes, mark)) {
        job->again = true;
        jobs.push_front(std::move(*job));
        return;
      }
      job->done(std::move(response));
    };
    return transfer;
  };
  host_.http.drive(next, parallel);
}

HttpResponse OciClient::send(const HttpRequest& request, const Scopes& scopes) {
  HttpResponse out;
  std::deque<OciJob> jobs;
  jobs.push_back(
      {[&] { return request; }, scopes, [&](HttpResponse response) { out = std::move(response); }});
  run(jobs, 1);
  return out;
}

std::optional<HttpResponse> OciClient::pages(const std::string& first, const Scopes& scopes,
                                             const HttpRequest& like,
                                             const std::function<void(const HttpResponse&)>& page) {
  HttpRequest request = like;
  request.url = first;
  for (int number = 0; number < most_pages; ++number) {
    HttpResponse response = send(request, scopes);
    if (response.status != 200) return response;
    page(response);
    const std::string next = next_page(response);
    if (next.empty()) return std::nullopt;
    const auto url = read_url(response.url, next);
    if (!url || url->origin() != place_.origin) {
      throw Error(ErrorCode::network,
                  "cannot read the list of " + place_.shown + ": its next page is at another host");
    }
    request.url = url->text;
  }
  throw Error(ErrorCode::network, "cannot read the list of " + place_.shown + ": it does not end");
}

UrlParts OciClient::location(const HttpResponse& response, const char* header) const {
  const auto given = response.header(header);
  const auto url = given ? read_url(response.url, *given) : std::nullopt;
  if (!url || url->userinfo) {
    throw Error(ErrorCode::network, "cannot upload to " + place_.shown + ": it does not say where to");
  }
  if (place_.tls && url->scheme != "https") {
    throw Error(ErrorCode::tls, "cannot upload to " + place_.shown +
                                    ": it points from TLS to plain HTTP at " + printable_url(url->text));
  }
  return *url;
}

Error OciClient::error(const HttpResponse& response, const std::string& doing) const {
  Error error = http_error(response, doing);
  if (error.code() != ErrorCode::unauthorized) return error;
  if (!place_.tls && !place_.loopback) {
    return std::move(error)
        .fact("why", "plain HTTP carries no credentials off this machine")
        .hint("use TLS: take plain-http away");
  }
  if (!auth_.has_login()) error = std::move(error).fact("credentials", "none were found for " + place_.host);
  return std::move(error).hint("mlship login " + place_.host);
}

void check_login(const RegistryOptions& options, Host& host, const std::string& user,
                 const Secret& password) {
  RegistryLogin login;
  login.user = user;
  login.password = password;
  OciClient client(options, host, login);
  const auto& place = client.place();
  if (!place.tls && !place.loopback) {
    throw Error(ErrorCode::tls,
                "cannot log in to " + place.host + ": credentials are not sent over plain HTTP")
        .hint("use TLS: take plain-http away");
  }
  HttpRequest request;
  // The trailing slash is part of the name (distribution-spec §Determining Support).
  request.url = client.url("");
  const HttpResponse response = client.send(request, {});
  if (response.status == 200) return;
  Error error = http_error(response, "log in to " + place.host);
  if (error.code() != ErrorCode::unauthorized) throw error;
  throw std::move(error).hint("check the user name and the password");
}

}  // namespace mlship
