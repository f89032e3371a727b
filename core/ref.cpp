#include "core/ref.h"

#include <filesystem>

#include "core/error.h"
#include "core/names.h"

namespace mlship {
namespace {

Error bad_ref(std::string_view text, const std::string& why) {
  return Error(ErrorCode::reference, "cannot read REF '" + std::string(text) + "': " + why)
      .hint("write NAME:VERSION, NAME:TAG, NAME@sha256:… or SCHEME:…/NAME:VERSION");
}

}  // namespace

std::string Ref::str() const {
  std::string out = registry.empty() ? package : registry + "/" + package;
  if (!tag.empty()) out += ":" + tag;
  if (digest) out += "@" + digest->str();
  return out;
}

Ref parse_ref(std::string_view text) {
  Ref ref;
  std::string_view rest = text;
  const size_t at = rest.rfind('@');
  if (at != std::string_view::npos && rest.substr(at + 1).starts_with("sha256:")) {
    ref.digest = Digest::parse(rest.substr(at + 1));
    if (!ref.digest) throw bad_ref(text, "a digest is sha256: and 64 lower-case hex digits");
    rest = rest.substr(0, at);
  }
  // The package is what follows the last slash; a colon before it belongs to the registry (scheme, port).
  const size_t slash = rest.rfind('/');
  if (slash != std::string_view::npos) {
    ref.registry = rest.substr(0, slash);
    rest = rest.substr(slash + 1);
    if (ref.registry.find(':') == std::string::npos) throw bad_ref(text, "the registry has no scheme");
  }
  const size_t colon = rest.find(':');
  if (colon != std::string_view::npos) {
    ref.tag = rest.substr(colon + 1);
    rest = rest.substr(0, colon);
    if (ref.tag.empty()) throw bad_ref(text, "nothing follows the colon");
  }
  if (!valid_name(rest)) throw bad_ref(text, "'" + std::string(rest) + "' is not a package name");
  ref.package = normalize_name(rest);
  return ref;
}

bool looks_like_path(std::string_view text) {
  if (text.starts_with('.') || text.starts_with('/')) return true;
  if (text.find(':') != std::string_view::npos || text.find('@') != std::string_view::npos) return false;
  return text.find('/') != std::string_view::npos ||
         std::filesystem::is_directory(std::filesystem::path(text));
}

}  // namespace mlship
