#include "cli/tag_name.h"

#include "core/error.h"
#include "registry/checks.h"
#include "registry/further.h"

namespace mlship {

void check_tag_name(const std::string& tag, Scheme scheme) {
  if (Version::parse(tag, scheme)) {
    throw Error(ErrorCode::usage,
                "cannot use '" + tag + "' as a tag: it is a version, and a version never moves")
        .hint("choose a name such as stable");
  }
  if (!valid_tag(tag)) {
    throw Error(ErrorCode::usage,
                "cannot use '" + tag + "' as a tag: a tag is at most 128 letters, digits, '.', '_' and '-'")
        .hint("choose a name such as stable");
  }
  if (own_tag(tag)) {
    throw Error(ErrorCode::usage,
                "cannot use '" + tag + "' as a tag: mlship keeps names that begin like this for itself")
        .hint("choose a name such as stable");
  }
}

}  // namespace mlship
