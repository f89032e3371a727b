// REF as people write it: churn:1.4.0, churn:stable, churn@sha256:…, oci://host/ns/churn:1.4.0,
// layout:DIR/churn:1.4.0.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/digest.h"

namespace mlship {

struct Ref {
  std::string registry;  // URL, "" = the environment's
  std::string package;   // PEP 503 normal form
  std::string tag;       // version or tag as written, "" when absent
  std::optional<Digest> digest;
  [[nodiscard]] std::string str() const;
};

// Throws Error(reference).
Ref parse_ref(std::string_view text);
// True for something that can only be a path: has a `/` without `://`, starts with `.`, or names an existing
// folder.
bool looks_like_path(std::string_view text);

}  // namespace mlship
