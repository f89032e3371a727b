#include "packager/wheel.h"
#include "packager/wheel_reader.h"

namespace mlship {

CheckedWheel check_wheel(const Path& wheel, const std::string& shown) {
  const WheelReader opened(wheel, shown, "publish");
  opened.check_all();
  (void)opened.entry_points();
  return {opened.stem(), opened.metadata()};
}

}  // namespace mlship
