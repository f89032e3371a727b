#include "manual/man_page.h"

#include <algorithm>
#include <array>
#include <cctype>

#include <fmt/format.h>

#include "cli/help.h"

namespace mlship {
namespace {

// groff_char(7): a hyphen would become U+2010 and a shell would not take it back; a backslash begins a
// request.
std::string roff(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\') {
      out += "\\e";
    } else if (c == '-') {
      out += "\\-";
    } else {
      out += c;
    }
  }
  // At the beginning of a line these are requests.
  const bool request = out.starts_with('.') || out.starts_with('\'');
  return request ? "\\&" + out : out;
}

std::string bold(std::string_view text) {
  return "\\fB" + roff(text) + "\\fR";
}
std::string italic(std::string_view text) {
  return "\\fI" + roff(text) + "\\fR";
}

// Prose, in which `words between backticks` are literal.
std::string prose(std::string_view text) {
  std::string out;
  for (bool literal = false; !text.empty(); literal = !literal) {
    const size_t end = std::min(text.find('`'), text.size());
    const auto part = text.substr(0, end);
    if (!part.empty()) out += literal ? bold(part) : roff(part);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out + "\n";
}

std::string section(std::string_view title) {
  return fmt::format(".SH {}\n", title);
}

std::string item(const std::string& tag, std::string_view text) {
  return ".TP\n" + tag + "\n" + prose(text);
}

// Lines that are indented are shown as they are; the others are paragraphs.
std::string paragraphs(std::string_view text) {
  std::string out;
  bool example = false, begun = false;
  const auto close = [&] {
    if (example) out += ".EE\n.RE\n";
    example = begun = false;
  };
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    const auto line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const bool indented = line.starts_with("  ");
    if (line.empty() || indented != example) close();
    if (line.empty()) continue;
    // A heading begins a paragraph already.
    if (!begun) out += std::string(out.empty() ? "" : ".PP\n") + (indented ? ".RS 4\n.EX\n" : "");
    begun = true;
    example = indented;
    out += indented ? roff(line.substr(2)) + "\n" : prose(line);
  }
  close();
  return out;
}

// As ArgumentRow::shown(), with what is typed in bold and what stands for something in italics.
std::string tag_of(const ArgumentRow& row) {
  const std::string value = row.kind == ValueKind::words ? bold(row.value) : italic(row.value);
  if (row.positional()) return row.required ? value : "[" + value + "]";
  std::string out;
  for (const auto& flag : row.flags) out += (out.empty() ? "" : ", ") + bold(flag);
  if (row.value.empty()) return out;
  return out + (row.optional_value ? "[" + bold("=") + value + "]" : " " + value);
}

std::string items(const std::vector<ArgumentRow>& rows, bool positional) {
  std::string out;
  for (const auto& row : rows) {
    if (row.positional() == positional) out += item(tag_of(row), row.help);
  }
  return out;
}

std::string head(const std::string& name, std::string_view summary) {
  std::string upper = name;
  std::transform(upper.begin(), upper.end(), upper.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  // No date: the page is a function of the program alone.
  return fmt::format(
             ".\\\" Made from the table of commands when mlship is built.\n"
             ".TH {} 1 \"\" \"mlship {}\" \"mlship manual\"\n.nh\n.ad l\n",
             roff(upper), MLSHIP_VERSION) +
         section("NAME") + roff(name) + " \\- " + roff(summary) + "\n";
}

std::string exit_status() {
  std::string out = section("EXIT STATUS");
  for (const auto& row : exit_code_rows()) out += item(bold(std::to_string(row.code)), row.meaning);
  return out;
}

struct FileRow {
  std::string_view path, meaning;
};
constexpr auto files = std::to_array<FileRow>({
    {"mlship.toml",
     "the project file, or [tool.mlship] of pyproject.toml, here or in the nearest folder above"},
    {"~/.config/mlship/config.toml", "the user file: registries, indexes, targets and environments"},
    {"~/.local/share/mlship/registry", "the registry when none is configured"},
    {"~/.local/share/mlship/ledger", "the ledger when none is configured"},
    {"~/.cache/mlship", "downloads; may be removed at any time"},
    {"~/.netrc", "logins"},
});

std::string see_also(const CommandTable& table, std::string_view self) {
  std::string out = section("SEE ALSO");
  if (!self.empty()) out += bold("mlship") + "(1)";
  for (const auto& command : table.commands) {
    if (command.factory->name == self) continue;
    out += (out.ends_with(')') ? ",\n" : "") + bold("mlship-" + std::string(command.factory->name)) + "(1)";
  }
  return out + "\n";
}

}  // namespace

std::string program_page(const CommandTable& table) {
  const HelpTexts texts = help_texts();
  std::string out = head("mlship", "ship ML pipelines: build, publish, roll out to every job, roll back");
  out +=
      section("SYNOPSIS") + bold("mlship") + " " + italic("COMMAND") + " [" + italic("ARGUMENT") + "...]\n";
  out += section("DESCRIPTION") + paragraphs(texts.about);
  out += section("COMMANDS");
  for (const auto& group : grouped_commands()) {
    out += fmt::format(".SS {}\n", roff(group.title));
    for (const auto* factory : group.commands)
      out += item(bold("mlship-" + std::string(factory->name)) + "(1)", factory->summary);
  }
  out += section("OPTIONS") + "Every command takes these, before or behind its name.\n";
  out += items(table.global, false);
  out += section("NAMING A BUNDLE") + paragraphs(texts.references);
  out += section("EXAMPLES") + paragraphs(texts.examples);
  out += section("ENVIRONMENT");
  for (const auto& [name, help] : variable_rows()) out += item(bold(name), help);
  out += section("FILES");
  for (const auto& row : files) out += item(italic(row.path), row.meaning);
  return out + exit_status() + see_also(table, "");
}

std::string command_page(const CommandTable& table, const DeclaredCommand& command) {
  const auto& factory = *command.factory;
  const std::string name = "mlship-" + std::string(factory.name);
  std::string out = head(name, factory.summary);
  out += section("SYNOPSIS") + bold("mlship " + std::string(factory.name));
  bool flags = false;
  for (const auto& row : command.arguments) {
    if (row.positional())
      out += " " + tag_of(row);
    else
      flags = true;
  }
  out += flags ? " [" + italic("FLAG") + "...]\n" : "\n";
  out += section("DESCRIPTION") + paragraphs(factory.details.empty() ? factory.summary : factory.details);
  const std::string arguments = items(command.arguments, true), options = items(command.arguments, false);
  if (!arguments.empty()) out += section("ARGUMENTS") + arguments;
  if (!options.empty()) out += section("OPTIONS") + options;
  out += section("OPTIONS OF EVERY COMMAND") + items(table.global, false);
  return out + exit_status() + see_also(table, factory.name);
}

}  // namespace mlship
