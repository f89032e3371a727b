#include "tests/support/source_folder.h"

namespace mlship::test {

Path source_folder() {
  return MLSHIP_SOURCE_DIR;
}

}  // namespace mlship::test
