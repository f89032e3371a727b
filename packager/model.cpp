#include "packager/model.h"

#include <vector>

#include "core/error.h"
#include "core/json_library.h"
#include "core/names.h"
#include "packager/byte_file.h"
#include "packager/pickle.h"

namespace mlship {
namespace {

constexpr std::uint64_t head_size = 64;  // bytes, for detection
constexpr std::string_view pickle_format = "pickle";
constexpr std::string_view fallback = "opaque";  // takes every file, so it is asked last

const ModelFactory* by_name(std::string_view name) {
  for (const auto* factory : model_factories()) {
    if (factory->name == name) return factory;
  }
  return nullptr;
}

const ModelFactory& chosen(const std::string& format, const std::string& shown) {
  if (const auto* factory = by_name(format)) return *factory;
  std::vector<std::string> names;
  for (const auto* factory : model_factories()) names.emplace_back(factory->name);
  std::string known;
  for (const auto& name : names) known += (known.empty() ? "" : ", ") + name;
  throw Error(ErrorCode::model, "cannot read " + shown + ": unknown model format '" + format + "'" +
                                    did_you_mean(format, names))
      .fact("known", known);
}

const ModelFactory& detected(const ByteFile& file, std::string_view name) {
  const std::string head = file.read(0, head_size);
  for (const auto* factory : model_factories()) {
    if (factory->name != fallback && factory->detect(name, head)) return *factory;
  }
  return *by_name(fallback);
}

}  // namespace

Json inspect_model(const Path& file, const std::string& shown, const std::string& format, Pickles pickles) {
  const ByteFile bytes(file);
  const std::string name = shown.substr(shown.rfind('/') + 1);
  const bool given = !format.empty() && format != pickle_format;
  const ModelFactory& factory = given ? chosen(format, shown) : detected(bytes, name);
  // The strict header check of a named format leaves no room for a pickle; only its file name may look like
  // one's first bytes (a header of 640 bytes begins with 0x80 0x02).
  const bool checked = factory.name != fallback && name.ends_with("." + std::string(factory.name));
  const std::string kind = checked ? "" : pickle_kind(bytes, name);
  if (kind.empty()) return factory.inspect(file, shown);
  if (pickles == Pickles::allowed) return pickle_header(bytes, kind);
  throw pickle_refused(bytes, kind, shown, "allow-pickle = true below its [[models]]");
}

}  // namespace mlship
