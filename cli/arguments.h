// What a command takes, declared once: parsing and --help read the same rows. CLI11 stands behind it.
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

struct ArgumentRow {
  std::string shown;  // "--output DIR", "[REF]"
  std::string help;
  bool positional = false;
};

// The values live in the caller's options struct, which must outlive the parse.
class Arguments {
 public:
  explicit Arguments(CLI::App& app);
  ~Arguments();
  Arguments(const Arguments&) = delete;
  Arguments& operator=(const Arguments&) = delete;

  void required(std::string& value, const std::string& name, const std::string& help);
  void positional(std::optional<std::string>& value, const std::string& name, const std::string& help);
  void flag(bool& value, const std::string& names, const std::string& help);
  void option(std::optional<std::string>& value, const std::string& names, const std::string& value_name,
              const std::string& help);
  // May be given several times.
  void list(std::vector<std::string>& values, const std::string& names, const std::string& value_name,
            const std::string& help);
  // One of a closed list of words; anything else is Error(usage) with a did-you-mean.
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
