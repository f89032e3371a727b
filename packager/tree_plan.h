// What a runnable tree will hold, decided before anything is written: a build asks whether its wheels can be
// installed together, an installation writes what was planned.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/digest.h"
#include "core/host/fs.h"
#include "packager/wheel_reader.h"

namespace mlship {

struct PlannedFile {
  bool executable = false;
  std::uint64_t size = 0;  // bytes
  Digest digest;
  std::string from;                 // the wheel's file name, or what of the bundle it is; for messages
  std::optional<size_t> wheel;      // the member of a wheel: its number here
  std::optional<std::string> text;  // made by mlship
  Path source;                      // a file of the bundle
};

// A wheel is spread as pip spreads it (PEP 427 §Installing a wheel):
//   purelib, platlib     lib/
//   scripts              bin/; a `#!python` script goes to libexec/ and its launcher to bin/
//   console, GUI scripts bin/; they win over a script of the same wheel and name
//   data                 the tree's root; below data/ where that is mlship's (models/, .mlship/, pyvenv.cfg)
//   headers              include/site/pythonX.Y/NAME/
// Every .dist-info gets a RECORD of the installed paths, a function of the bundle alone; the wheel's own
// RECORD, its signatures, INSTALLER, REQUESTED and direct_url.json stay out.
//
// A path that two bring with the same content is fine (shared namespace packages). With different content the
// first keeps it, with a warning, where no import reads the file (LICENSE, README, tests, data, commands) or
// both are declarations of one namespace package; else Error(duplicate_path) names both.
class TreePlan {
 public:
  // python: "3.11", or "3" when any will do.
  explicit TreePlan(std::string python) : python_(std::move(python)) {}

  // `from`: what of the bundle it is. Throws Error(duplicate_path).
  void add_file(const std::string& path, bool executable, std::uint64_t size, const Digest& digest,
                const Path& source, const std::string& from);
  // `wheel`: a file; `shown`: its name. Throws Error(wheel|archive|duplicate_path).
  void add_wheel(const Path& wheel, const std::string& shown);
  // A launcher for "module:function". Throws as launcher().
  void add_entry_point(const std::string& name, const std::string& target);
  // Adds what depends on all that was added.
  void finish();

  [[nodiscard]] const std::map<std::string, PlannedFile>& files() const { return files_; }
  [[nodiscard]] const std::string& python() const { return python_; }
  // One line for each pair of wheels of which one keeps files of the other out.
  [[nodiscard]] std::vector<std::string> warnings() const;
  // Writes all of it below `dir` and checks every member of every wheel against its RECORD.
  void write(const Path& dir) const;

 private:
  struct Wheel {
    Path file;
    std::string shown;
    std::string info;                // "churn-1.4.0.dist-info/"
    std::vector<std::string> paths;  // in the tree
  };

  void add(const std::string& path, PlannedFile file);
  void add_text(const std::string& path, bool executable, const std::string& text, const std::string& from,
                std::optional<size_t> wheel = std::nullopt);
  void add_member(const WheelReader& wheel, const ZipEntry& entry, const std::set<std::string>& commands);
  [[nodiscard]] bool keeps_first(const std::string& path, const PlannedFile& first,
                                 const PlannedFile& second) const;
  [[nodiscard]] std::string member_text(const PlannedFile& file, const std::string& path) const;
  [[noreturn]] static void clash(const std::string& path, const std::string& from, const std::string& there,
                                 const PlannedFile& other);
  void write_wheel(size_t number, const Path& dir) const;
  void write_one(const std::string& path, const PlannedFile& file, const Path& dir) const;
  [[nodiscard]] std::string record_of(const Wheel& wheel) const;

  std::string python_;
  std::map<std::string, PlannedFile> files_;
  std::vector<Wheel> wheels_;
  std::map<std::pair<std::string, std::string>, std::vector<std::string>> kept_;  // by first and second
};

}  // namespace mlship
