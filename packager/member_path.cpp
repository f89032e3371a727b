#include "packager/member_path.h"

#include <algorithm>
#include <cstdlib>
#include <memory>

#include <utf8proc.h>

#include "core/error.h"
#include "core/text.h"
#include "packager/tar.h"

namespace mlship {
namespace {

bool control(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}
bool ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}
bool has_control(std::string_view text) {
  return std::any_of(text.begin(), text.end(), control);
}

const utf8proc_uint8_t* bytes(std::string_view text) {
  return reinterpret_cast<const utf8proc_uint8_t*>(text.data());
}

bool valid_utf8(std::string_view text) {
  while (!text.empty()) {
    utf8proc_int32_t point = 0;
    const auto n = utf8proc_iterate(bytes(text), static_cast<utf8proc_ssize_t>(text.size()), &point);
    if (n <= 0) return false;
    text.remove_prefix(static_cast<size_t>(n));
  }
  return true;
}

std::string_view component_fault(std::string_view part) {
  if (part.empty()) return "it has an empty component";
  if (part == "." || part == "..") return "it has a '.' or '..' component";
  // NAME_MAX of every file system in use.
  if (part.size() > 255) return "it has a component of more than 255 bytes";
  return {};
}

}  // namespace

std::string_view path_fault(std::string_view path) {
  if (path.empty()) return "it is empty";
  if (path.size() > 4096) return "it is longer than 4096 bytes";
  if (path.front() == '/') return "it is absolute";
  if (has_control(path)) return "it has control characters";
  if (!valid_utf8(path)) return "it is not UTF-8";
  while (true) {
    const size_t slash = path.find('/');
    const auto fault = component_fault(path.substr(0, slash));
    if (!fault.empty() || slash == std::string_view::npos) return fault;
    path.remove_prefix(slash + 1);
  }
}

bool is_nfc(std::string_view text) {
  if (ascii(text)) return true;
  utf8proc_uint8_t* composed = nullptr;
  const auto options = static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE);
  const auto n = utf8proc_map(bytes(text), static_cast<utf8proc_ssize_t>(text.size()), &composed, options);
  const std::unique_ptr<utf8proc_uint8_t, decltype(&std::free)> owner(composed, &std::free);
  return n >= 0 && text == std::string_view(reinterpret_cast<const char*>(composed), static_cast<size_t>(n));
}

void check_member_path(std::string_view path, std::string_view where) {
  auto fault = path_fault(path);
  if (fault.empty() && !is_nfc(path)) fault = "it is not in Unicode normal form C";
  if (fault.empty()) return;
  throw Error(ErrorCode::source_tree,
              "cannot put '" + printable(path) + "' into " + std::string(where) + ": " + std::string(fault))
      .hint("rename the file, or leave it out with exclude in [code]");
}

}  // namespace mlship
