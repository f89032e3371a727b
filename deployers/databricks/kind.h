// The kinds of objects of a workspace that refer to packages: how each is listed, read and written.
// Stateless; documents are the service's own.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "deployers/databricks/api.h"
#include "deployers/databricks/sites.h"
#include "deployers/target.h"

namespace mlship::databricks {

// One object as the service shows it.
struct Document {
  std::string id;                        // "jobs/17"
  Json whole;                            // the answer about it
  bool listed = false;                   // from a list, which may show less than there is
  std::string problem = {};              // why it could not be read whole, "" when it was or need not be
  std::chrono::milliseconds read_at{0};  // by read(): when the first of it was there (monotonic)
};

struct Owner {
  std::string text;       // who owns it, and where to change it instead; "" when nobody else does
  bool for_good = false;  // not to be changed even when asked for
};

// What is sent, and where it came from.
struct Write {
  const Document& before;                 // read just now, whole
  const Json& settings;                   // as it shall be
  const std::vector<std::string>& paths;  // of what differs
  bool restart = false;                   // clusters may be restarted where nothing runs on them
};

class Kind {
 public:
  virtual ~Kind() = default;
  [[nodiscard]] virtual std::string_view prefix() const = 0;  // "jobs/"
  [[nodiscard]] virtual Sites sites() const = 0;
  // The part that sites() is about.
  [[nodiscard]] virtual Json settings(const Json& whole) const = 0;
  [[nodiscard]] virtual ObjectInfo info(const Document& document) const = 0;
  [[nodiscard]] virtual Owner owner(const Json&) const { return {}; }
  [[nodiscard]] virtual std::string token(const Json&) const { return ""; }  // of concurrency
  // Words for the plan about what writing at this path may do.
  [[nodiscard]] virtual std::vector<std::string> warnings(const Json& /*settings*/,
                                                          const std::string& /*path*/) const {
    return {};
  }

  // Every object, whole or as far as a list shows it; in the service's order.
  using Take = std::function<void(Document)>;
  virtual void list(Api& api, const Take& take) const = 0;
  // nullopt: it is not there (or not for these credentials to see).
  [[nodiscard]] virtual std::optional<Document> read(Api& api, const std::string& id) const = 0;
  // Sends the least; what is left to do before it runs ("restart"), or "". The caller took a turn before it
  // read `before`. Throws what Api throws, NotSent too; Error(http_precondition) when somebody else was
  // faster, Error(http_conflict) when the service says that something is under way on it, Error(verification)
  // when it did not work and was taken back.
  virtual std::string write(Api& api, const Write& write) const = 0;
  // What is still left to do, as write() says it.
  [[nodiscard]] virtual std::string pending(const Json& /*whole*/) const { return ""; }
};

extern const Kind& jobs;
extern const Kind& pipelines;
extern const Kind& policies;
extern const Kind& clusters;
std::span<const Kind* const> kinds();
// nullptr for an id of no kind.
const Kind* kind_of(std::string_view id);

// Task, at most `parallel` at a time.
void in_parallel(size_t count, Clock& clock, const std::function<void(size_t)>& task);

// What `read` answers; nullopt where it says that the object is not there.
std::optional<Document> unless_absent(Api& api, const std::string& id, const std::function<Json()>& read);

// The rows of a list answered to `doing`: none when it leaves them out. An answer that is no list is
// Error(server_error): nothing there must not be concluded from nothing said.
Json rows_of(const Json& answer, std::string_view member, const std::string& doing);
// The token of the next page, "" when there is none. Error(server_error) when it is the one just used.
std::string next_page(const Json& answer, const std::string& used, const std::string& doing);

// Members of documents that may be anything.
std::string text_at(const Json& object, std::string_view member);
const Json& member_of(const Json& object, std::string_view member);  // null when it has none
std::string without_prefix(const Kind& kind, const std::string& id);

}  // namespace mlship::databricks
