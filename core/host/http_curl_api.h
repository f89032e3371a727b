// The functions of libcurl that core/host/http_*.cpp call, bound when the first request is made.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <tuple>

#include <curl/curl.h>

namespace mlship {

struct CurlApi {
  decltype(&curl_global_init) global_init;
  decltype(&curl_easy_init) easy_init;
  decltype(&curl_easy_setopt) easy_setopt;
  decltype(&curl_easy_reset) easy_reset;
  decltype(&curl_easy_cleanup) easy_cleanup;
  decltype(&curl_easy_strerror) easy_strerror;
  decltype(&curl_multi_init) multi_init;
  decltype(&curl_multi_setopt) multi_setopt;
  decltype(&curl_multi_add_handle) multi_add_handle;
  decltype(&curl_multi_remove_handle) multi_remove_handle;
  decltype(&curl_multi_perform) multi_perform;
  decltype(&curl_multi_poll) multi_poll;
  decltype(&curl_multi_info_read) multi_info_read;
  decltype(&curl_multi_cleanup) multi_cleanup;
  decltype(&curl_slist_append) slist_append;
  decltype(&curl_slist_free_all) slist_free_all;
  decltype(&curl_url) url;
  decltype(&curl_url_set) url_set;
  decltype(&curl_url_get) url_get;
  decltype(&curl_url_cleanup) url_cleanup;
  decltype(&curl_free) free;

  CurlApi();
};

// A URL as libcurl itself understands it: security decisions and the transfer must not read it in two ways.
struct ParsedUrl {
  std::string text;  // without userinfo and fragment
  std::string scheme, host, port;
  std::string user, password;  // of the userinfo, percent-decoded
  [[nodiscard]] auto origin() const { return std::tie(scheme, host, port); }
  [[nodiscard]] bool loopback() const;
};
// base: "" or what a relative reference is relative to (RFC 3986 §5). nullopt: not an http or https URL.
std::optional<ParsedUrl> parse_url(const CurlApi& curl, const std::string& base, const std::string& text);

}  // namespace mlship
