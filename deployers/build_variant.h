// A version may have several files of one kind, each built for something: a Python and a machine, a Scala
// version, an accelerator, a purpose. A reference moves only to a file that serves wherever the old one did.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/release.h"
#include "core/wheel_tags.h"
#include "deployers/reference.h"
#include "deployers/target.h"

namespace mlship {

// What a file is built for, as its name says; "" and none where it says nothing.
struct BuildVariant {
  std::string accelerator;      // a local label: "cu118"
  std::vector<WheelTag> tags;   // wheels
  std::string scala;            // jars, Maven coordinates: "_2.12"
  std::string classifier;       // jars and zips: "sources"
  std::string python, machine;  // eggs: "py3.9", "linux-x86_64"
  bool operator==(const BuildVariant&) const = default;
};

// `text`: where the reference's spans are.
BuildVariant variant_of(const Reference& reference, std::string_view text);
// Of a file's name.
BuildVariant variant_of_file(const std::string& filename, Scheme scheme);

// The kind of output that takes the place of what such a reference names; "" when it is no file.
std::string_view output_kind(Form form);
// The output that may take the place of what the reference names, the nearest if there are several; null when
// there is none. A pin asks for the accelerator alone.
const Output* fitting_output(const Release& release, const Reference& reference, std::string_view text);
// Whether the files of that kind tell one build from another at all: coordinates name a jar that may be
// elsewhere.
bool tells_builds(const Release& release, Form form);
// Skips it as `other-build`, with what there is.
Destination other_build(const FoundReference& found, const Release& release);

}  // namespace mlship
