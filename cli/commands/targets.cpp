// `mlship targets`: the kinds of target and their keys.
#include <fmt/core.h>

#include "cli/arguments.h"
#include "cli/command.h"
#include "cli/render.h"
#include "cli/services.h"
#include "core/json_library.h"
#include "deployers/target.h"

namespace mlship {
namespace {

std::string key_table(std::span<const KeySpec> keys, Stdout& out) {
  Table table({"  KEY", "TYPE", "DEFAULT", "MEANING"});
  for (const auto& key : keys) {
    table.add({"  " + std::string(key.name), std::string(to_string(key.type)),
               key.required ? "required" : std::string(key.default_text), std::string(key.help)});
  }
  return table.render(out.width(), out.style());
}

OrderedJson keys_json(std::span<const KeySpec> keys) {
  OrderedJson rows = OrderedJson::array();
  for (const auto& key : keys) {
    rows.push_back({{"name", key.name},
                    {"type", to_string(key.type)},
                    {"default", key.default_text},
                    {"required", key.required},
                    {"help", key.help}});
  }
  return rows;
}

ExitCode run(Services& services) {
  auto& out = services.out();
  OrderedJson kinds = OrderedJson::array();
  for (const auto* factory : target_factories()) {
    out.text(fmt::format("{}  {}\n", out.style().bold(factory->kind), factory->summary));
    out.text(key_table(factory->settings, out));
    out.text(fmt::format("\n{}\n\n", factory->example));
    kinds.push_back({{"kind", factory->kind},
                     {"summary", factory->summary},
                     {"example", factory->example},
                     {"keys", keys_json(factory->settings)}});
  }
  out.text(out.style().bold("Every kind") + "\n" + key_table(common_target_keys(), out));
  out.document({{"schema", "mlship.targets/1"}, {"kinds", kinds}, {"keys", keys_json(common_target_keys())}});
  return ExitCode::done;
}

CommandRun setup(Arguments&) {
  return run;
}

}  // namespace

extern const CommandFactory targets_factory{
    "targets", CommandGroup::settings, "the kinds of target and the keys each understands",
    "A target is one system that holds jobs; [targets.NAME] in mlship.toml declares it.", setup};

}  // namespace mlship
