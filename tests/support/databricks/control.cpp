#include "tests/support/databricks/control.h"

#include <array>

#include "tests/support/databricks/api.h"
#include "tests/support/databricks/control_json.h"
#include "tests/support/databricks/generator.h"

namespace mlship::testing::dbx {
namespace {

struct Control {
  Workspace& workspace;
  std::atomic<std::int64_t>& client;
  const Request& request;
  Json body;
  std::string rest;
};
struct ControlRoute {
  std::string_view method, pattern;
  Reply (*handler)(Control&);
};

Reply done() {
  return json_reply(Json::object());
}

Reply get_state(Control& c) {
  return json_reply(c.workspace.everything());
}

Json present(Json value, const std::string& object) {
  if (value.is_null()) absent(object + " does not exist");
  return value;
}
Reply get_object(Control& c) {
  return json_reply(present(c.workspace.read(c.rest), c.rest));
}
Reply get_document(Control& c) {
  return json_reply(present(c.workspace.document(c.rest), c.rest));
}
Reply put_object_there(Control& c) {
  c.workspace.replace(c.rest, c.body);
  return done();
}
Reply delete_object(Control& c) {
  c.workspace.edit([&](State& state) { erase_object(state, c.rest); });
  return done();
}

Reply put_file(Control& c) {
  c.workspace.edit([&](State& state) { state.put_file(c.rest, c.request.body, 1'795'253'934'000); });
  return done();
}
Reply get_file(Control& c) {
  const auto bytes = c.workspace.file(c.rest);
  if (!bytes) absent(c.rest + " does not exist");
  Reply reply;
  reply.body = *bytes;
  return reply;
}

Reply counts(Control& c) {
  Json statuses = Json::object();
  for (const auto& entry : c.workspace.log()) {
    Json& count = statuses[std::to_string(entry.status)];
    count = count.is_null() ? 1 : count.get<int>() + 1;
  }
  return json_reply({{"requests", c.workspace.requests()},
                     {"writes", c.workspace.writes()},
                     {"connections", c.workspace.connections()},
                     {"endpoints", c.workspace.counts()},
                     {"statuses", statuses}});
}
Reply log(Control& c) {
  return json_reply({{"entries", c.workspace.log()}});
}
Reply reset(Control& c) {
  c.workspace.reset_log();
  c.workspace.clear_faults();
  return done();
}

Reply add_faults(Control& c) {
  if (!c.body.contains("faults")) c.body = {{"faults", {c.body}}};
  for (const auto& fault : c.body["faults"]) c.workspace.add_fault(read_fields<Fault>(fault));
  return done();
}
Reply clear_faults(Control& c) {
  c.workspace.clear_faults();
  return done();
}

Reply writer(Control& c) {
  c.workspace.set_writer(read_fields<WriterOptions>(c.body));
  return done();
}
Reply edits(Control& c) {
  return json_reply({{"edits", c.workspace.edits()}, {"lost", c.workspace.lost_edits()}});
}

Reply switches(Control& c) {
  c.workspace.set_switches(read_fields(c.body, c.workspace.switches()));
  return done();
}
Reply rate(Control& c) {
  c.workspace.set_rate(read_fields<RateLimit>(c.body));
  return done();
}
Reply latency(Control& c) {
  c.workspace.set_latency(std::chrono::milliseconds(c.body.at("ms").get<std::int64_t>()));
  return done();
}
Reply advance(Control& c) {
  c.workspace.advance(std::chrono::milliseconds(c.body.at("ms").get<std::int64_t>()));
  return done();
}

Reply tokens(Control& c) {
  const std::string token = c.body.at("token");
  c.body.erase("token");
  const auto access = read_fields<Access>(c.body);
  c.workspace.edit([&](State& state) { state.tokens[token] = access; });
  return done();
}
Reply clients(Control& c) {
  c.workspace.edit([&](State& state) { state.clients[c.body.at("id")] = c.body.at("secret"); });
  return done();
}
Reply outcomes(Control& c) {
  c.workspace.edit([&](State& state) { state.outcomes[c.body.at("job")] = c.body.at("outcome"); });
  return done();
}
Reply kill(Control& c) {
  c.client = c.body.at("pid").get<std::int64_t>();
  return done();
}

Reply generate_there(Control& c) {
  Generated made = generate(read_fields<GenerateOptions>(c.body));
  const Json expected{{"changes", made.changes}, {"skipped", made.skipped}, {"access", made.access}};
  c.workspace.edit([&](State& state) { state = std::move(made.state); });
  return json_reply(expected);
}

constexpr auto routes = std::to_array<ControlRoute>({{"GET", "/_test/state", get_state},
                                                     {"GET", "/_test/objects/**", get_object},
                                                     {"PUT", "/_test/objects/**", put_object_there},
                                                     {"DELETE", "/_test/objects/**", delete_object},
                                                     {"GET", "/_test/documents/**", get_document},
                                                     {"PUT", "/_test/files/**", put_file},
                                                     {"GET", "/_test/files/**", get_file},
                                                     {"GET", "/_test/counts", counts},
                                                     {"GET", "/_test/log", log},
                                                     {"POST", "/_test/reset", reset},
                                                     {"POST", "/_test/faults", add_faults},
                                                     {"DELETE", "/_test/faults", clear_faults},
                                                     {"POST", "/_test/writer", writer},
                                                     {"GET", "/_test/edits", edits},
                                                     {"POST", "/_test/switches", switches},
                                                     {"POST", "/_test/rate", rate},
                                                     {"POST", "/_test/latency", latency},
                                                     {"POST", "/_test/advance", advance},
                                                     {"POST", "/_test/tokens", tokens},
                                                     {"POST", "/_test/clients", clients},
                                                     {"POST", "/_test/outcomes", outcomes},
                                                     {"POST", "/_test/kill", kill},
                                                     {"POST", "/_test/generate", generate_there}});

}  // namespace

std::optional<Reply> control(Workspace& workspace, std::atomic<std::int64_t>& client,
                             const Request& request) {
  if (!request.path.starts_with("/_test/")) return std::nullopt;
  try {
    for (const auto& route : routes) {
      if (route.method != request.method || !matches(route.pattern, request.path)) continue;
      Control call{workspace, client, request, Json::object(), ""};
      const bool raw = request.path.starts_with("/_test/files/");
      if (!raw && !request.body.empty()) call.body = Json::parse(request.body);
      if (route.pattern.ends_with("/**"))
        call.rest = request.path.substr(route.pattern.size() - (raw ? 3 : 2));
      return route.handler(call);
    }
    absent("no such control: " + request.method + " " + request.path);
  } catch (const Refusal& refusal) {
    return refusal_reply(refusal, ErrorForm::json);
  } catch (const Json::exception& error) {
    return refusal_reply({400, "MALFORMED_REQUEST", error.what()}, ErrorForm::json);
  }
}

}  // namespace mlship::testing::dbx
