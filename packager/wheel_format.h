// The texts inside a wheel that both its builder and its installer know.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/digest.h"

namespace mlship {

// PEP 376 §RECORD: a CSV of path, "sha256=" and unpadded URL-safe base64, size in bytes.
struct RecordRow {
  std::string path, hash, size;
};
std::string record_line(const RecordRow& row);
// Throws Error(wheel); `shown` names the wheel.
std::vector<RecordRow> parse_record(std::string_view text, const std::string& shown);

// "sha256=…" as RECORD spells it, and back. Some tools write the digest in hexadecimal, with padding or in
// the other alphabet of base64 (RFC 4648 §4), which is read as well; nullopt for anything else.
std::string record_hash(const Digest& digest);
std::optional<Digest> parse_record_hash(std::string_view text);

// The console_scripts and gui_scripts of an entry_points.txt: name -> "module:function", extras left out.
std::map<std::string, std::string> parse_entry_points(std::string_view text, const std::string& shown);

// "Key: value" lines up to the first empty line, keys in lower case; continuation lines are left out.
std::vector<std::pair<std::string, std::string>> parse_headers(std::string_view text);

}  // namespace mlship
