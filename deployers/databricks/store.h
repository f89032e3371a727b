// Where a workspace keeps files that its jobs read: volumes, workspace files, DBFS. Each has an API and
// limits of its own.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "deployers/databricks/api.h"

namespace mlship::databricks {

class Store {
 public:
  virtual ~Store() = default;
  // Greatest size of a file, bytes.
  [[nodiscard]] virtual std::uint64_t limit() const = 0;
  [[nodiscard]] virtual std::string_view what() const = 0;  // "workspace files", for people
  // What speaks against keeping libraries there; "": nothing.
  [[nodiscard]] virtual std::string_view remark() const { return ""; }
  // What of the path make_folder() could not make is not there, for people; "": nothing.
  [[nodiscard]] virtual std::string missing_root(Api&, const std::string&) const { return ""; }
  virtual void make_folder(Api& api, const std::string& path) const = 0;  // and those above it
  // Creates the file, complete before it is visible; false when something is there already.
  virtual bool create(Api& api, const std::string& path, const std::filesystem::path& from) const = 0;
  virtual bool create_text(Api& api, const std::string& path, const std::string& text) const = 0;
  // nullopt: it is not there.
  [[nodiscard]] virtual std::optional<std::uint64_t> size(Api& api, const std::string& path) const = 0;
  // The content, piece by piece.
  virtual void read(Api& api, const std::string& path,
                    const std::function<void(std::string_view)>& sink) const = 0;
};

// The store a path belongs to, and the path as its API has it. nullptr: it is none of this workspace's
// (s3://…, a path of the driver).
struct Stored {
  const Store* store = nullptr;
  std::string path;
};
Stored stored(std::string_view path);

}  // namespace mlship::databricks
