// What a command takes, declared once: parsing, --help, the manual and shell completion read the same rows.
// CLI11 stands behind it.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace CLI {
class App;
}

namespace mlship {

// What a shell can offer for a value. The names are those of the project file's tables.
enum class ValueKind { text, file, folder, path, words, environment, registry, target };

struct ArgumentRow {
  std::vector<std::string> flags;  // {"-C", "--project"}; empty for a positional argument
  std::string value;               // "DIR"; "" when it takes none
  std::string help;
  ValueKind kind = ValueKind::text;
  std::vector<std::string> words;  // the closed list, of ValueKind::words
  bool required = false;           // a positional one that must be there
  bool repeats = false;
  bool optional_value = false;  // written with `=` only
  [[nodiscard]] bool positional() const { return flags.empty(); }
  [[nodiscard]] bool takes_value() const { return !positional() && !value.empty() && !optional_value; }
  [[nodiscard]] std::string shown() const;  // "-C, --project DIR", "[REF]", "--jobs[=GLOB]"
};

// The values live in the caller's options struct, which must outlive the parse. The kind of a value follows
// from its name: DIR is a folder, FILE (FILE.tar) a file, PATH and REF|PATH either.
class Arguments {
 public:
  explicit Arguments(CLI::App& app);
  ~Arguments();
  Arguments(const Arguments&) = delete;
  Arguments& operator=(const Arguments&) = delete;

  void required(std::string& value, const std::string& name, const std::string& help,
                std::optional<ValueKind> kind = std::nullopt);
  // One of a closed list of words; anything else is Error(usage) with a did-you-mean.
  void required_choice(std::string& value, const std::string& name, const std::vector<std::string>& words,
                       const std::string& help);
  void positional(std::optional<std::string>& value, const std::string& name, const std::string& help);
  void flag(bool& value, const std::string& names, const std::string& help);
  void option(std::optional<std::string>& value, const std::string& names, const std::string& value_name,
              const std::string& help, std::optional<ValueKind> kind = std::nullopt);
  // May be given several times.
  void list(std::vector<std::string>& values, const std::string& names, const std::string& value_name,
            const std::string& help, std::optional<ValueKind> kind = std::nullopt);
  // One of a closed list of words, as required_choice.
  void choice(std::optional<std::string>& value, const std::string& name,
              const std::vector<std::string>& words, const std::string& help);
  // A flag whose value is optional and written with `=` only: "" when the flag stands alone.
  void optional_value(std::optional<std::string>& value, const std::string& name,
                      const std::string& value_name, const std::string& help);

  // After the parse: throws Error(usage) when a required one is missing.
  void check(std::string_view command) const;
  [[nodiscard]] const std::vector<ArgumentRow>& rows() const { return rows_; }

 private:
  struct Required {
    std::string name;
    const std::string* value;
  };
  CLI::App& app_;
  std::vector<ArgumentRow> rows_;
  std::vector<Required> required_;
  std::vector<std::unique_ptr<std::string>> owned_;  // what CLI11 writes to for optional_value()
};

}  // namespace mlship
