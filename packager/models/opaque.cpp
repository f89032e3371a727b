// Any other file: shipped as it is, identified by its digest, nothing said about its inside. It takes every
// file, so inspect_model asks it last.

#include "core/json_library.h"
#include "packager/byte_file.h"
#include "packager/model.h"

namespace mlship {
namespace {

bool detect(std::string_view, std::string_view) {
  return true;
}

Json inspect(const Path& file, const std::string&) {
  const ByteFile readable(file);
  return Json{{"format", "opaque"}};
}

}  // namespace

extern const ModelFactory opaque_factory;
const ModelFactory opaque_factory{"opaque", "any other file, shipped as it is", detect, inspect};

}  // namespace mlship
