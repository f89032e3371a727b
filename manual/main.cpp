// mlship_manual DIR: writes what is installed beside the program and made from its own tables: manual pages,
// completion scripts, the schema of the project file.
#include <cstdio>
#include <exception>

#include "manual/man_page.h"
#include "manual/schema.h"

#include "cli/completion.h"
#include "core/host/fs.h"

namespace mlship {
namespace {

struct CompletionFile {
  std::string_view shell, file;  // where that shell looks for it
};
constexpr CompletionFile completion_files[] = {
    {"bash", "mlship"}, {"zsh", "_mlship"}, {"fish", "mlship.fish"}};

void put(const Path& file, const std::string& text) {
  fs::make_folders(file.parent_path());
  fs::write_atomic(file, text);
}

void write_all(const Path& folder) {
  const CommandTable table = declared_commands();
  const Path pages = folder / "man" / "man1";
  fs::remove_tree(pages);  // a command that is gone leaves no page
  put(pages / "mlship.1", program_page(table));
  for (const auto& command : table.commands) {
    put(pages / ("mlship-" + std::string(command.factory->name) + ".1"), command_page(table, command));
  }
  for (const auto& shell : completion_shells()) {
    for (const auto& row : completion_files) {
      if (row.shell == shell.name) put(folder / "completions" / shell.name / row.file, shell.script(table));
    }
  }
  put(folder / "mlship.schema.json", project_schema());
}

}  // namespace
}  // namespace mlship

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: mlship_manual DIR\n", stderr);
    return 2;
  }
  try {
    mlship::write_all(argv[1]);
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "mlship_manual: %s\n", error.what());
    return 1;
  }
}
