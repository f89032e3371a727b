#include "deployers/file_obstacle.h"

#include <array>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "core/text.h"

namespace mlship {
namespace {

struct AttributeRow {
  std::uint64_t bit;
  std::string_view means;
  std::string_view undo;
};
// statx(2); chattr(1) is what sets them.
constexpr auto attributes = std::to_array<AttributeRow>({
    {STATX_ATTR_IMMUTABLE, "is immutable (chattr +i)", "chattr -i "},
    {STATX_ATTR_APPEND, "can only be appended to (chattr +a)", "chattr -a "},
});

std::uint64_t attributes_of(const Path& path) {
  struct statx seen{};
  const int failed =
      ::statx(AT_FDCWD, path.c_str(), AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, STATX_BASIC_STATS, &seen);
  return failed == 0 ? seen.stx_attributes & seen.stx_attributes_mask : 0;
}

std::optional<FileObstacle> protected_path(const Path& path, std::uint64_t bits, const std::string& subject) {
  for (const auto& row : attributes) {
    if ((bits & row.bit) == 0) continue;
    return FileObstacle{false, subject + " " + std::string(row.means),
                        std::string(row.undo) + shell_quoted(path.string())};
  }
  return std::nullopt;
}

}  // namespace

std::optional<FileObstacle> obstacle_of(const Path& file) {
  struct statvfs system{};
  if (::statvfs(file.c_str(), &system) == 0 && (system.f_flag & ST_RDONLY) != 0) {
    return FileObstacle{false, file.string() + " is on a file system that is mounted read-only",
                        "findmnt -T " + shell_quoted(file.string())};
  }
  const std::uint64_t bits = attributes_of(file);
  if (auto found = protected_path(file, bits, file.string())) return found;
  if ((bits & STATX_ATTR_MOUNT_ROOT) != 0) {
    return FileObstacle{true, file.string() + " is a mount point, so no new file can take its place", ""};
  }
  const Path folder = file.parent_path();
  return protected_path(folder, attributes_of(folder), "the folder " + folder.string());
}

}  // namespace mlship
