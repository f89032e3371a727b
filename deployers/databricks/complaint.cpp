// What the service says when it refuses: a table of forms that grew over the years.
#include <algorithm>
#include <array>
#include <cctype>

#include "core/letters.h"
#include "core/text.h"
#include "deployers/databricks/api.h"

namespace mlship::databricks {
namespace {

using letters::lowered;

constexpr size_t longest_page = 16'384;  // bytes of a web page that may hold its title
constexpr size_t longest = 300;          // bytes of a message: some carry the whole object

std::string text_of(const Json& json, const char* key) {
  const auto found = json.find(key);
  if (found == json.end()) return "";
  if (found->is_string()) return found->get<std::string>();
  return found->is_number_integer() ? std::to_string(found->get<std::int64_t>()) : "";
}

std::string one_line(std::string_view text) {
  std::string out;
  for (const char c : text.substr(0, longest)) out += c == '\n' || c == '\r' || c == '\t' ? ' ' : c;
  while (out.ends_with(' ')) out.pop_back();
  return printable(out);
}

// {"error_code","message"}; API 1.2: {"error"}; SCIM: {"detail","scimType"}; OAuth:
// {"error","error_description"}.
Complaint of_document(const Json& json) {
  Complaint out{text_of(json, "error_code"), text_of(json, "message")};
  if (out.message.empty()) out.message = text_of(json, "error_description");
  if (out.message.empty()) out.message = text_of(json, "detail");
  if (out.code.empty()) out.code = text_of(json, "scimType");
  if (out.message.empty()) out.message = text_of(json, "error");
  return out;
}

bool code_letter(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

// "RESOURCE_DOES_NOT_EXIST: No such file".
Complaint of_text(std::string_view body) {
  const size_t colon = body.find(": ");
  const bool coded =
      colon != std::string_view::npos && colon > 3 &&
      std::all_of(body.begin(), body.begin() + static_cast<std::ptrdiff_t>(colon), code_letter);
  if (!coded) return {"", std::string(body)};
  return {std::string(body.substr(0, colon)), std::string(body.substr(colon + 2))};
}

// An error page of a proxy in front: its <pre>, else nothing worth showing.
Complaint of_page(std::string_view body) {
  const size_t begin = body.find("<pre>");
  const size_t end = body.find("</pre>");
  if (begin == std::string_view::npos || end == std::string_view::npos || end < begin) return {};
  return of_text(body.substr(begin + 5, end - begin - 5));
}

struct StatusRow {
  int status;
  ErrorCode code;
  std::string_view cause;
  std::string_view hint;
};
constexpr auto statuses = std::to_array<StatusRow>({
    {401, ErrorCode::unauthorized, "the workspace does not accept the credentials",
     "make a new token and set DATABRICKS_TOKEN, or correct the profile"},
    {403, ErrorCode::forbidden, "the credentials do not allow it (HTTP 403)",
     "ask a workspace admin for CAN_MANAGE on it"},
    {404, ErrorCode::not_found, "it is not there (HTTP 404)", ""},
    {409, ErrorCode::http_conflict, "it conflicts with what is there (HTTP 409)", ""},
    {412, ErrorCode::http_precondition, "somebody changed it meanwhile (HTTP 412)", ""},
    // The service, or who stands before it, gave up waiting: it may have happened.
    {408, ErrorCode::server_error, "it took too long (HTTP 408)", "run the command again later"},
    {499, ErrorCode::server_error, "it took too long (HTTP 499)", "run the command again later"},
    {429, ErrorCode::rate_limited, "too many requests (HTTP 429), retries spent",
     "run the command again later"},
});

// Codes that say more than the status they come with.
struct CodeRow {
  std::string_view code;
  int status;
};
constexpr auto codes = std::to_array<CodeRow>({
    {"RESOURCE_DOES_NOT_EXIST", 404},
    {"NOT_FOUND", 404},
    {"RESOURCE_ALREADY_EXISTS", 409},
    {"ALREADY_EXISTS", 409},
    {"RESOURCE_CONFLICT", 409},
    {"ABORTED", 409},
    {"PERMISSION_DENIED", 403},
    {"UNAUTHENTICATED", 401},
    {"RESOURCE_EXHAUSTED", 429},
    {"REQUEST_LIMIT_EXCEEDED", 429},
});

// What a call meets that makes something that is there.
constexpr auto there_already = std::to_array<std::string_view>(
    {"RESOURCE_ALREADY_EXISTS", "ALREADY_EXISTS", "FILE_ALREADY_EXISTS", "uniqueness"});
// "A concurrent request to run the continuous job is already in progress. Please wait for it to complete …"
constexpr auto later_words = std::to_array<std::string_view>(
    {"concurrent", "in progress", "try again", "retry", "please wait", "is being", "locked"});

// "Invalid access token.", "Token expired", with a status that elsewhere means a missing right.
bool is_about_the_token(const std::string& said) {
  if (said.find("access token") != std::string::npos && said.find("disabled") == std::string::npos)
    return true;
  if (said.find("token") == std::string::npos) return false;
  constexpr auto words =
      std::to_array<std::string_view>({"invalid", "expired", "revoked", "not valid", "malformed", "unknown"});
  return std::any_of(words.begin(), words.end(),
                     [&](std::string_view word) { return said.find(word) != std::string::npos; });
}

std::string title_of(std::string_view page) {
  const std::string small = lowered(page.substr(0, longest_page));
  const size_t begin = small.find("<title");
  const size_t open = begin == std::string::npos ? begin : small.find('>', begin);
  const size_t end = open == std::string::npos ? open : small.find("</title", open);
  if (end == std::string::npos) return "";
  std::string_view title = page.substr(open + 1, end - open - 1);
  title.remove_prefix(std::min(title.find_first_not_of(" \t\r\n"), title.size()));
  return one_line(title);
}

int meant(const HttpResponse& response, const Complaint& complaint) {
  if (response.status < 400 || response.status >= 500) return response.status;
  if (response.status == 403 && is_about_the_token(lowered(complaint.message))) return 401;
  const auto row =
      std::find_if(codes.begin(), codes.end(), [&](const CodeRow& r) { return r.code == complaint.code; });
  if (row != codes.end()) return row->status;
  // "Job 17 does not exist." is a 400 INVALID_PARAMETER_VALUE.
  if (response.status == 400 && complaint.message.find("does not exist") != std::string::npos) return 404;
  return response.status;
}

}  // namespace

Complaint read_complaint(const HttpResponse& response) {
  Complaint out;
  const Json json = Json::parse(response.body, nullptr, false);
  if (json.is_object()) {
    out = of_document(json);
  } else if (response.body.find('<') != std::string::npos) {
    out = of_page(response.body);
  } else {
    out = of_text(response.body);
  }
  return {one_line(out.code), one_line(out.message)};
}

// The answer is a web page: of a proxy, or one to log in at.
bool is_page(const HttpResponse& response) {
  if (response.header("content-type").value_or("").starts_with("text/html")) return true;
  const size_t first = response.body.find_first_not_of(" \t\r\n\xEF\xBB\xBF");
  return first != std::string::npos && response.body[first] == '<';
}

Error page_error(const HttpResponse& response, const std::string& doing) {
  const std::string title = title_of(response.body);
  return Error(ErrorCode::server_error, "cannot " + doing +
                                            ": a proxy or login page answered instead of the workspace" +
                                            (title.empty() ? "" : " ('" + title + "')"))
      .hint("check HTTPS_PROXY, single sign-on and the host of the target");
}

bool says_not_now(const HttpResponse& response) {
  const Complaint complaint = read_complaint(response);
  if (meant(response, complaint) != 409) return false;
  if (std::find(there_already.begin(), there_already.end(), complaint.code) != there_already.end())
    return false;
  if (complaint.code == "RESOURCE_CONFLICT" || complaint.code == "ABORTED") return true;
  const std::string said = lowered(complaint.message);
  return std::any_of(later_words.begin(), later_words.end(),
                     [&](std::string_view word) { return said.find(word) != std::string::npos; });
}

Error api_error(const HttpResponse& response, const std::string& doing) {
  const Complaint complaint = read_complaint(response);
  const std::string what = "cannot " + doing + ": ";
  if (response.status >= 300 && response.status < 400) {
    // A workspace behind a private link sends browsers and everybody else elsewhere.
    return Error(ErrorCode::forbidden, what + "the workspace sends the request elsewhere (HTTP " +
                                           std::to_string(response.status) + ")")
        .hint("reach the workspace through its private link, or correct its host");
  }
  const int status = meant(response, complaint);
  const auto row =
      std::find_if(statuses.begin(), statuses.end(), [&](const StatusRow& r) { return r.status == status; });
  StatusRow found{status, ErrorCode::http_refused, "", ""};
  if (row != statuses.end()) {
    found = *row;
  } else if (status >= 500) {
    found = {status, ErrorCode::server_error, "", "run the command again later"};
  }
  std::string cause(found.cause);
  if (cause.empty()) cause = "the workspace answered HTTP " + std::to_string(response.status);
  Error error = Error(found.code, what + cause).hint(std::string(found.hint));
  std::string said = complaint.code;
  if (!complaint.message.empty()) said += (said.empty() ? "" : ": ") + complaint.message;
  return said.empty() ? std::move(error) : std::move(error).fact("answer", said);
}

}  // namespace mlship::databricks
