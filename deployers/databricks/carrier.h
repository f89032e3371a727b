// Published files in the workspace: <library-path>/mlship/<package>/<version>/<sha256>/<file>, made once and
// never changed; a claim beside the folder says which content the version has.
#pragma once

#include <string>

#include "core/release.h"
#include "deployers/databricks/api.h"
#include "deployers/target.h"

namespace mlship::databricks {

// The path jobs get to read the output by; `library_path` without a `/` at the end.
std::string published_path(const std::string& library_path, const Release& release, const Output& output);
Carrier file_carrier(const std::string& path, const Output& output);

// As Target::place and Target::carrier_ok. Only published_path() of an output of the release is ever made.
bool place_file(Api& api, const std::string& library_path, const Carrier& carrier, const Release& release,
                ReleaseSource& source, const std::filesystem::path& scratch);
bool file_ok(Api& api, const Carrier& carrier, const Release& release);

}  // namespace mlship::databricks
