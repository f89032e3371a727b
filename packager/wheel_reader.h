// A wheel that is read to be installed: what its RECORD, WHEEL and entry_points.txt say, and whether its
// members are that (PEP 427, binary distribution format).
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "core/digest.h"
#include "packager/zip.h"

namespace mlship {

class WheelReader {
 public:
  struct Expected {
    Digest digest;
    std::optional<std::uint64_t> size;  // bytes
  };

  // `shown`: the wheel's file name, `doing`: the verb, both for messages. Checks that RECORD lists every
  // member and nothing else, with its size. Throws Error(wheel|archive).
  WheelReader(const Path& file, std::string shown, std::string doing = "install");

  [[nodiscard]] const std::string& shown() const { return shown_; }
  [[nodiscard]] const ZipReader& zip() const { return zip_; }
  [[nodiscard]] const std::string& info() const { return info_; }  // "churn-1.4.0.dist-info/"
  [[nodiscard]] std::string stem() const;                          // "churn-1.4.0"
  [[nodiscard]] const Expected& expected(const ZipEntry& entry) const { return record_.at(entry.path); }
  [[nodiscard]] std::string metadata() const;
  [[nodiscard]] std::string name() const;  // of METADATA; that of `stem` when it has none

  // Console and GUI scripts: name -> "module:function". Error(wheel) for one that names no function.
  [[nodiscard]] std::map<std::string, std::string> entry_points() const;

  // Streams one member; throws when its bytes are not what RECORD says.
  void check(const ZipEntry& entry, const std::function<void(std::string_view)>& sink) const;
  // Of every member.
  void check_all() const;

  // RECORD cannot hold its own hash, and its signatures come after it (PEP 427 §Signed wheel files).
  [[nodiscard]] bool exempt(const std::string& path) const;

  [[noreturn]] void refuse(const std::string& why) const;

 private:
  void find_info();
  [[nodiscard]] std::string text(const std::string& name) const;
  void check_version() const;
  void read_record();
  void add_row(const std::string& path, const Expected& expected);
  void check_record() const;

  std::string shown_, doing_;
  ZipReader zip_;
  std::string info_;
  std::unordered_map<std::string, Expected> record_;
};

}  // namespace mlship
