#include "tests/support/databricks/message.h"

#include <array>

namespace mlship::testing::dbx {
namespace {

int hex(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::string decoded(std::string_view text, bool plus) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && hex(text[i + 1]) >= 0 && hex(text[i + 2]) >= 0) {
      out += static_cast<char>(hex(text[i + 1]) * 16 + hex(text[i + 2]));
      i += 2;
    } else {
      out += plus && text[i] == '+' ? ' ' : text[i];
    }
  }
  return out;
}

struct FormRow {
  ErrorForm form;
  std::string_view word;
};
constexpr auto forms = std::to_array<FormRow>({{ErrorForm::json, "json"},
                                               {ErrorForm::json_number, "json-number"},
                                               {ErrorForm::legacy, "legacy"},
                                               {ErrorForm::scim, "scim"},
                                               {ErrorForm::text, "text"},
                                               {ErrorForm::html, "html"},
                                               {ErrorForm::empty, "empty"},
                                               {ErrorForm::redirect, "redirect"}});

Reply page(int status, std::string body, const std::string& type) {
  Reply reply;
  reply.status = status;
  reply.body = std::move(body);
  reply.headers.emplace("content-type", type);
  return reply;
}

}  // namespace

std::string Request::header(const std::string& name) const {
  const auto found = headers.find(name);
  return found == headers.end() ? "" : found->second;
}

std::string Request::parameter(const std::string& name, const std::string& otherwise) const {
  const auto found = query.find(name);
  return found == query.end() ? otherwise : found->second;
}

std::map<std::string, std::string> read_form(std::string_view text) {
  std::map<std::string, std::string> out;
  while (!text.empty()) {
    const std::string_view part = text.substr(0, text.find('&'));
    const size_t equals = std::min(part.find('='), part.size());
    const std::string_view value = equals < part.size() ? part.substr(equals + 1) : std::string_view();
    if (!part.empty()) out[decoded(part.substr(0, equals), true)] = decoded(value, true);
    text.remove_prefix(std::min(part.size() + 1, text.size()));
  }
  return out;
}

Request make_request(std::string method, std::string_view target, Headers headers, std::string body) {
  Request request;
  request.method = std::move(method);
  const size_t question = std::min(target.find('?'), target.size());
  request.path = decoded(target.substr(0, question), false);
  if (question < target.size()) request.query = read_form(target.substr(question + 1));
  request.headers = std::move(headers);
  request.body = std::move(body);
  return request;
}

Reply json_reply(const Json& body, int status) {
  return page(status, body.dump(-1, ' ', false, Json::error_handler_t::replace), "application/json");
}

std::optional<ErrorForm> parse_error_form(std::string_view word) {
  for (const auto& row : forms) {
    if (row.word == word) return row.form;
  }
  return std::nullopt;
}

Reply refusal_reply(const Refusal& refusal, ErrorForm form) {
  const auto& [status, code, message] = refusal;
  switch (form) {
    case ErrorForm::json:
      return json_reply({{"error_code", code}, {"message", message}, {"details", Json::array()}}, status);
    case ErrorForm::json_number: return json_reply({{"error_code", status}, {"message", message}}, status);
    case ErrorForm::legacy: return json_reply({{"error", message}}, status);
    case ErrorForm::scim:
      return json_reply({{"schemas", {"urn:ietf:params:scim:api:messages:2.0:Error"}},
                         {"detail", message},
                         {"status", std::to_string(status)},
                         {"scimType", code}},
                        status);
    case ErrorForm::text: return page(status, code + ": " + message, "text/plain");
    case ErrorForm::html:
      return page(status,
                  "<html><body><h2>HTTP ERROR</h2><pre>" + code + ": " + message + "</pre></body></html>",
                  "text/html");
    case ErrorForm::empty: return page(status, "", "text/plain");
    case ErrorForm::redirect: {
      Reply reply = page(302, "", "text/html");
      reply.headers.emplace("location", "/login.html?error=private-link-validation-error");
      return reply;
    }
  }
  return {};
}

}  // namespace mlship::testing::dbx
