#include "core/host/http_curl_api.h"

#include <memory>

#include <arpa/inet.h>

#include "core/host/dynlib.h"
#include "core/letters.h"

namespace mlship {

CurlApi::CurlApi() {
  const DynamicLibrary library("libcurl.so.4", "libcurl4");
  library.bind(global_init, "curl_global_init");
  library.bind(easy_init, "curl_easy_init");
  library.bind(easy_setopt, "curl_easy_setopt");
  library.bind(easy_reset, "curl_easy_reset");
  library.bind(easy_cleanup, "curl_easy_cleanup");
  library.bind(easy_strerror, "curl_easy_strerror");
  library.bind(multi_init, "curl_multi_init");
  library.bind(multi_setopt, "curl_multi_setopt");
  library.bind(multi_add_handle, "curl_multi_add_handle");
  library.bind(multi_remove_handle, "curl_multi_remove_handle");
  library.bind(multi_perform, "curl_multi_perform");
  library.bind(multi_poll, "curl_multi_poll");
  library.bind(multi_info_read, "curl_multi_info_read");
  library.bind(multi_cleanup, "curl_multi_cleanup");
  library.bind(slist_append, "curl_slist_append");
  library.bind(slist_free_all, "curl_slist_free_all");
  library.bind(url, "curl_url");
  library.bind(url_set, "curl_url_set");
  library.bind(url_get, "curl_url_get");
  library.bind(url_cleanup, "curl_url_cleanup");
  library.bind(free, "curl_free");
  global_init(CURL_GLOBAL_DEFAULT);
}

bool ParsedUrl::loopback() const {
  in_addr four{};
  if (inet_pton(AF_INET, host.c_str(), &four) == 1) return (ntohl(four.s_addr) >> 24U) == 127;
  return host == "localhost" || host == "[::1]";
}

std::optional<ParsedUrl> parse_url(const CurlApi& curl, const std::string& base, const std::string& text) {
  const std::unique_ptr<CURLU, decltype(curl.url_cleanup)> handle(curl.url(), curl.url_cleanup);
  CURLU* url = handle.get();
  if (!base.empty() && curl.url_set(url, CURLUPART_URL, base.c_str(), 0) != CURLUE_OK) return std::nullopt;
  const unsigned flags = base.empty() ? 0U : CURLU_URLENCODE;
  if (curl.url_set(url, CURLUPART_URL, text.c_str(), flags) != CURLUE_OK) return std::nullopt;
  const auto part = [&](CURLUPart which, unsigned how) {
    char* value = nullptr;
    if (curl.url_get(url, which, &value, how) != CURLUE_OK) return std::string();
    std::string out(value);
    curl.free(value);
    return out;
  };
  ParsedUrl out;
  out.user = part(CURLUPART_USER, CURLU_URLDECODE);
  out.password = part(CURLUPART_PASSWORD, CURLU_URLDECODE);
  for (const auto secret : {CURLUPART_USER, CURLUPART_PASSWORD, CURLUPART_OPTIONS, CURLUPART_FRAGMENT}) {
    curl.url_set(url, secret, nullptr, 0);
  }
  out.scheme = letters::lowered(part(CURLUPART_SCHEME, 0));
  out.host = letters::lowered(part(CURLUPART_HOST, 0));
  out.port = part(CURLUPART_PORT, CURLU_DEFAULT_PORT);
  out.text = part(CURLUPART_URL, 0);
  if (out.text.empty() || (out.scheme != "http" && out.scheme != "https")) return std::nullopt;
  return out;
}

}  // namespace mlship
