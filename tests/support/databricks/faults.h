// What goes wrong on the way: by the number of a request, or by its method and path.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/support/databricks/message.h"

namespace mlship::testing::dbx {

struct Fault {
  // drop-before: the connection is cut, nothing is done. drop-after: it is done, there is no answer. status:
  // this answer instead. delay: later. kill-before, kill-after: the client is killed, then as with drop.
  std::string kind = "status";
  std::int64_t request = 0;  // from 1; 0: by method and path
  std::string method;        // "": any
  std::string path;          // glob over the path; "": any
  std::int64_t skip = 0;     // so many that fit are let pass first
  std::int64_t times = 1;    // then so many are hit; 0: all
  int status = 503;
  bool executed = false;  // status: the request is done all the same
  std::string code = "TEMPORARILY_UNAVAILABLE", message = "The service is temporarily unavailable.";
  std::string form = "json";      // words of parse_error_form()
  std::string body;               // instead of code and message
  std::int64_t retry_after = -1;  // seconds; -1: no such header
  std::int64_t delay = 0;         // milliseconds
  std::int64_t pid = 0;           // to kill; 0: the one the server was told of

  [[nodiscard]] bool before() const { return kind.ends_with("-before") || (kind == "status" && !executed); }
};

class Faults {
 public:
  // Throws Refusal for a kind or form that there is not.
  void add(Fault fault);
  void clear() { rules_.clear(); }
  // The first that fits counts; nullopt: all is well.
  std::optional<Fault> next(const Request& request, std::uint64_t number);

 private:
  struct Rule {
    Fault fault;
    std::int64_t seen = 0;
  };
  std::vector<Rule> rules_;
};

// What a fault makes of the answer to a request (of an empty one, when it strikes before).
Reply apply(const Fault& fault, Reply reply);

}  // namespace mlship::testing::dbx
