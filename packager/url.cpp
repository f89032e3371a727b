#include "packager/url.h"

#include <algorithm>
#include <vector>

#include "core/letters.h"

namespace mlship {
namespace {

struct Split {
  std::string scheme;     // "https"
  std::string authority;  // "user@host:port"
  std::string path, query;
  bool has_authority = false, has_query = false;
};

// Appendix B. The fragment is dropped.
Split split(std::string_view text) {
  Split s;
  text = text.substr(0, text.find('#'));
  const size_t colon = text.find(':');
  if (colon != std::string_view::npos && colon < text.find_first_of("/?")) {
    s.scheme = letters::lowered(text.substr(0, colon));
    text.remove_prefix(colon + 1);
  }
  if (text.starts_with("//")) {
    text.remove_prefix(2);
    const size_t end = std::min(text.find_first_of("/?"), text.size());
    s.has_authority = true;
    s.authority = std::string(text.substr(0, end));
    text.remove_prefix(end);
  }
  const size_t question = text.find('?');
  s.path = std::string(text.substr(0, question));
  if (question != std::string_view::npos) {
    s.has_query = true;
    s.query = std::string(text.substr(question + 1));
  }
  return s;
}

std::string join(const Split& s) {
  std::string out = s.scheme.empty() ? "" : s.scheme + ":";
  if (s.has_authority) out += "//" + s.authority;
  out += s.path;
  if (s.has_query) out += "?" + s.query;
  return out;
}

// §5.2.4.
std::string remove_dots(std::string_view path) {
  std::vector<std::string_view> kept;
  const bool absolute = path.starts_with('/');
  bool folder = false;
  while (!path.empty()) {
    const size_t slash = path.find('/');
    const std::string_view segment = path.substr(0, slash);
    path = slash == std::string_view::npos ? std::string_view() : path.substr(slash + 1);
    folder = slash != std::string_view::npos || segment == "." || segment == "..";
    if (segment == "..") {
      if (!kept.empty()) kept.pop_back();
    } else if (segment != "." && !(segment.empty() && kept.empty())) {
      kept.push_back(segment);
    }
  }
  std::string out = absolute ? "/" : "";
  for (size_t i = 0; i < kept.size(); ++i) out.append(i == 0 ? "" : "/").append(kept[i]);
  if (folder && !out.ends_with('/')) out += '/';
  return out;
}

std::string_view host_and_port(std::string_view authority) {
  const size_t at = authority.rfind('@');
  return at == std::string_view::npos ? authority : authority.substr(at + 1);
}

int hex(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

std::string resolve_url(std::string_view base_text, std::string_view reference) {
  const Split base = split(base_text);
  Split url = split(reference);
  if (!url.scheme.empty()) return join(url);
  url.scheme = base.scheme;
  if (url.has_authority) return join(url);
  url.has_authority = base.has_authority;
  url.authority = base.authority;
  if (url.path.empty()) {
    url.path = base.path;
    if (!url.has_query) {
      url.query = base.query;
      url.has_query = base.has_query;
    }
  } else if (url.path.front() == '/') {
    url.path = remove_dots(url.path);
  } else {
    const size_t slash = base.path.rfind('/');
    url.path = remove_dots((slash == std::string::npos ? "/" : base.path.substr(0, slash + 1)) + url.path);
  }
  return join(url);
}

std::string url_origin(std::string_view url) {
  const Split s = split(url);
  std::string place = letters::lowered(host_and_port(s.authority));
  const std::string_view usual = s.scheme == "https" ? ":443" : ":80";
  if (place.ends_with(usual)) place.resize(place.size() - usual.size());
  return s.scheme + "://" + place;
}

std::string url_host(std::string_view url) {
  const Split s = split(url);
  std::string place = letters::lowered(host_and_port(s.authority));
  const size_t colon = place.rfind(':');
  if (colon != std::string::npos && place.find(']', colon) == std::string::npos) place.resize(colon);
  return place;
}

std::optional<Credentials> url_userinfo(std::string_view url) {
  const Split s = split(url);
  const size_t at = s.authority.rfind('@');
  if (at == std::string::npos) return std::nullopt;
  const std::string info = s.authority.substr(0, at);
  const size_t colon = info.find(':');
  return Credentials{percent_decode(info.substr(0, colon)),
                     Secret(colon == std::string::npos ? "" : percent_decode(info.substr(colon + 1)))};
}

std::string without_userinfo(std::string_view url) {
  Split s = split(url);
  s.authority = std::string(host_and_port(s.authority));
  return join(s);
}

std::string url_file_name(std::string_view url) {
  const std::string path = split(url).path;
  return percent_decode(std::string_view(path).substr(path.rfind('/') + 1));
}

std::string percent_decode(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const int high = text[i] == '%' && i + 2 < text.size() ? hex(text[i + 1]) : -1;
    const int low = high < 0 ? -1 : hex(text[i + 2]);
    if (low < 0) {
      out += text[i];
    } else {
      out += static_cast<char>(high * 16 + low);
      i += 2;
    }
  }
  return out;
}

}  // namespace mlship
