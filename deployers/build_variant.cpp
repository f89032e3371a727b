#include "deployers/build_variant.h"

#include <algorithm>
#include <array>

#include "core/accelerator.h"
#include "deployers/reference_forms.h"
#include "deployers/wheel_fit.h"

namespace mlship {
namespace {

struct KindRow {
  Form form;
  std::string_view kind;
};
constexpr auto kinds = std::to_array<KindRow>({{Form::wheel, "wheel"},
                                               {Form::egg, "egg"},
                                               {Form::jar, "jar"},
                                               {Form::zip, "pyfiles"},
                                               {Form::sdist, "sdist"},
                                               {Form::pin, "wheel"},
                                               {Form::maven, "jar"}});

// NAME[SCALA]-VERSION[-TAIL].EXTENSION
struct FileParts {
  std::string before, tail;
};
FileParts parts_of(const Reference& r) {
  const size_t file = r.span.begin + r.folder.size();
  const size_t begin = r.version_span.begin - file, end = r.version_span.end - file;
  std::string tail = r.file.substr(end, r.file.rfind('.') - end);
  if (tail.starts_with('-')) tail.erase(0, 1);
  return {r.file.substr(0, begin), tail};
}

// What stands behind the name, up to the separator of the version.
std::string scala_of(const Reference& r, std::string_view artifact) {
  while (!artifact.empty() && forms::one_of(artifact.back(), "-:")) artifact.remove_suffix(1);
  return std::string(artifact.substr(std::min(r.name.size(), artifact.size())));
}

// setuptools: NAME-VERSION-pyX.Y[-PLATFORM].
void read_egg_tail(const std::string& tail, BuildVariant& out) {
  if (!tail.starts_with("py")) {
    out.classifier = tail;
    return;
  }
  const size_t dash = std::min(tail.find('-'), tail.size());
  out.python = tail.substr(0, dash);
  out.machine = tail.substr(std::min(dash + 1, tail.size()));
}

bool names_file(const Reference& r) {
  return !r.file.empty() && r.version_span.size() > 0;
}

std::optional<WheelDistance> fit(const BuildVariant& wanted, const BuildVariant& offered, Form form) {
  if (wanted.accelerator != offered.accelerator) return std::nullopt;
  const WheelDistance other{true, false, 0, 0}, same{false, false, 0, 0};
  switch (form) {
    case Form::pin: return same;
    case Form::wheel: return wheel_fit(wanted.tags, offered.tags);
    case Form::egg: {
      const bool python = offered.python.empty() || offered.python == wanted.python;
      const bool machine = offered.machine.empty() || offered.machine == wanted.machine;
      if (!python || !machine || wanted.classifier != offered.classifier) return std::nullopt;
      return wanted == offered ? same : other;
    }
    default:
      return wanted.scala == offered.scala && wanted.classifier == offered.classifier ? std::optional(same)
                                                                                      : std::nullopt;
  }
}

// For people: at most some of them.
std::string builds(const Release& release, Form form) {
  constexpr size_t most = 4;
  std::string out;
  size_t count = 0;
  for (const auto& output : release.outputs) {
    if (output.kind != output_kind(form) || ++count > most) continue;
    out += (out.empty() ? "" : ", ") + output.filename;
  }
  return count > most ? out + " and " + std::to_string(count - most) + " more" : out;
}

}  // namespace

std::string_view output_kind(Form form) {
  const auto row = std::find_if(kinds.begin(), kinds.end(), [&](const auto& r) { return r.form == form; });
  return row == kinds.end() ? "" : row->kind;
}

BuildVariant variant_of(const Reference& r, std::string_view text) {
  BuildVariant out;
  out.accelerator = r.accelerator;
  if (r.form == Form::wheel) out.tags = wheel_tags_of(r.file);
  if (r.form == Form::maven) {
    const std::string_view artifact = text.substr(r.span.begin, r.version_span.begin - r.span.begin);
    const std::string_view named = artifact.substr(artifact.find(':') + 1);
    out.scala = scala_of(r, named.substr(0, named.find(':')));
  }
  if (!names_file(r)) return out;
  const FileParts parts = parts_of(r);
  if (r.form == Form::egg) read_egg_tail(parts.tail, out);
  if (r.form == Form::jar) out.scala = scala_of(r, parts.before);
  if (r.form == Form::jar || r.form == Form::zip) out.classifier = parts.tail;
  return out;
}

BuildVariant variant_of_file(const std::string& filename, Scheme scheme) {
  const Scheme other = scheme == Scheme::pep440 ? Scheme::semver : Scheme::pep440;
  for (const Scheme tried : {scheme, other}) {
    const auto found = find_references(filename, {tried, {}});
    if (found.size() == 1 && found.front().file == filename) return variant_of(found.front(), filename);
  }
  BuildVariant out;
  out.tags = wheel_tags_of(filename);
  return out;
}

const Output* fitting_output(const Release& release, const Reference& reference, std::string_view text) {
  const BuildVariant wanted = variant_of(reference, text);
  const Output* best = nullptr;
  std::optional<WheelDistance> nearest;
  for (const auto& output : release.outputs) {
    if (output.kind != output_kind(reference.form)) continue;
    const auto offered = variant_of_file(output.filename, release.version.scheme());
    const auto distance = fit(wanted, offered, reference.form);
    if (!distance || (nearest && *nearest <= *distance)) continue;
    nearest = distance;
    best = &output;
  }
  return best;
}

bool tells_builds(const Release& release, Form form) {
  return std::any_of(release.outputs.begin(), release.outputs.end(), [&](const Output& output) {
    return output.kind == output_kind(form) &&
           variant_of_file(output.filename, release.version.scheme()) != BuildVariant{};
  });
}

Destination other_build(const FoundReference& found, const Release& release) {
  const std::string name = release.package + " " + release.version.str();
  const std::string& file = found.reference.file;
  const std::string there = builds(release, found.reference.form);
  Destination out;
  out.skip = Reason::other_build;
  out.detail = name + " has no build in place of " + (file.empty() ? found.text : file);
  out.detail += there.empty() ? "" : ", it has " + there;
  out.hint = "mlship publish --artifact FILE";
  return out;
}

}  // namespace mlship
