// Whether bytes are a program of Python's pickle machine, judged by what it would do with them.
#pragma once

#include <cstdint>
#include <set>
#include <string>

#include "packager/inflate.h"

namespace mlship {

// True when pickle.load would begin to run something of them: it names a module's member and calls it, or
// ends with it. Nothing is executed; what no loader could go on with is no pickle.
bool runs_as_pickle(const Bytes& bytes);

// What pickle.load would import, read and never run.
struct PickleGlobals {
  std::set<std::string> names;  // "sklearn.ensemble._forest.RandomForestClassifier"
  bool complete = true;  // false: the bytes could not be read to the end (raw arrays between, too long)
};
// Of all pickles that stand one behind the other from `offset` on.
PickleGlobals pickle_globals(const Bytes& bytes, std::uint64_t offset = 0);

}  // namespace mlship
