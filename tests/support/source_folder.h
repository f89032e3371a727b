// The checkout the tests were built from, for the data files beside them.
#pragma once

#include "core/host/fs.h"

namespace mlship::test {

Path source_folder();

}  // namespace mlship::test
