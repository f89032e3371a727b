// `mlship platforms`: the names a lock's targets can have.

#include "cli/arguments.h"
#include "cli/command.h"
#include "cli/render.h"
#include "cli/services.h"
#include "core/json_library.h"
#include "packager/platform.h"

namespace mlship {
namespace {

ExitCode run(Services& services) {
  Table table({"PLATFORM", "WHAT IT IS"});
  OrderedJson rows = OrderedJson::array();
  for (const auto& platform : named_platforms()) {
    table.add({platform.name, platform.summary});
    rows.push_back({{"name", platform.name}, {"summary", platform.summary}});
  }
  services.out().text(table.render(services.out().width(), services.out().style()));
  services.out().document({{"schema", "mlship.platforms/1"}, {"platforms", rows}});
  return ExitCode::done;
}

CommandRun setup(Arguments&) {
  return run;
}

}  // namespace

extern const CommandFactory platforms_factory{"platforms", CommandGroup::settings,
                                              "the named platforms a bundle's dependencies can be locked for",
                                              "[dependencies] targets in mlship.toml takes these names, "
                                              "cpXY-PLATFORM (cp311-manylinux_2_28_x86_64), or a\n"
                                              "complete-platform JSON file.",
                                              setup};

}  // namespace mlship
