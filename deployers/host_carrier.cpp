// Runnable trees under install-root and files in library-path: made beside their place, verified, then given
// their name in one step that never replaces anything.
#include <array>
#include <functional>

#include "core/error.h"
#include "core/host/folder.h"
#include "core/names.h"
#include "deployers/host_destination.h"

namespace mlship {
namespace {

constexpr std::string_view temporary_prefix = ".mlship-";

// A folder being filled, into which nobody else gets. Its flock dies with the process, so whoever gets the
// lock of such a folder knows that its maker is gone.
class Workshop {
 public:
  Workshop(const fs::OpenFolder& parent, const std::string& tag)
      : parent_(parent),
        name_(fs::unique_name(std::string(temporary_prefix) + tag + "-")),
        folder_(parent.make_private(name_)) {
    (void)folder_.lock();
  }
  ~Workshop() { remove(parent_, name_); }
  Workshop(const Workshop&) = delete;
  Workshop& operator=(const Workshop&) = delete;

  // Where `make` makes `name`; what it says of that path it says of `about`.
  void fill(const std::string& name, const Path& about, const std::function<void(const Path&)>& make) const {
    const Path made = folder_.lasting_path() / name;
    try {
      make(made);
    } catch (Error& e) {
      std::string message = e.message();
      for (size_t i = 0; (i = message.find(made.native(), i)) != std::string::npos;
           i += about.native().size())
        message.replace(i, made.native().size(), about.native());
      throw std::move(e).with_message(message);
    }
  }
  [[nodiscard]] const fs::OpenFolder& folder() const { return folder_; }

  // Removes what killed runs left in `parent`.
  static void clear_abandoned(const fs::OpenFolder& parent) {
    for (const auto& name : parent.names()) {
      if (!name.starts_with(temporary_prefix)) continue;
      const auto left = parent.folder_in(name);
      if (left && left->lock()) remove(parent, name);
    }
  }

 private:
  // What somebody keeps from being removed stands in nobody's way.
  static void remove(const fs::OpenFolder& parent, const std::string& name) {
    try {
      parent.remove_tree(name);
    } catch (const Error&) {
    }
  }

  const fs::OpenFolder& parent_;
  std::string name_;
  fs::OpenFolder folder_;
};

[[noreturn]] void refuse(const Carrier& carrier, const std::string& why) {
  throw Error(ErrorCode::bad_plan, "cannot place " + carrier.place + ": " + why)
      .hint("mlship plan --out FILE");
}

[[noreturn]] void other_content(const Path& path, const Release& release, const std::string& difference) {
  throw Error(ErrorCode::version_exists, "cannot place " + path.string() +
                                             ": it is there with other content than " + release.package +
                                             " " + release.version.str())
      .fact("differs", difference)
      .hint("mv " + path.string() + " " + path.string() + ".other");
}

const Output* output_of(const Path& path, const Carrier& carrier, const Release& release) {
  for (const auto& output : release.outputs) {
    if (output.digest == carrier.digest && output.filename == path.filename()) return &output;
  }
  return nullptr;
}

// Plans and ledgers come from outside: only <root>/<this package>/<this version> is ever made.
void check_tree_place(const HostPlaces& places, const Path& path, const Carrier& carrier,
                      const Release& release) {
  const bool under_root =
      !places.install_root.empty() && path.parent_path().parent_path() == Path(places.install_root);
  const auto version = Version::parse(path.filename().string(), release.version.scheme());
  if (!under_root) refuse(carrier, "it is not under install-root of [targets." + places.target + "]");
  if (normalize_name(path.parent_path().filename().string()) != release.package || !version ||
      *version != release.version || carrier.digest != release.digest) {
    refuse(carrier, "it is not the place of " + release.package + " " + release.version.str());
  }
}

// Makes what `path` is to be beside it, and gives it its name in one step; false when something has that
// name, which `present` looks at.
bool place_new(const Path& path, const std::string& tag, const std::function<void()>& present,
               const std::function<void(const Path&)>& make) {
  const std::string name = path.filename().string();
  const auto parent = fs::OpenFolder::through_links(path.parent_path(), fs::OpenFolder::Missing::make);
  Workshop::clear_abandoned(parent);
  const auto there = [&] {
    present();
    return false;
  };
  if (fs::lstat(path)) return there();
  const Workshop workshop(parent, tag);
  workshop.fill(name, path, make);
  if (!parent.take(workshop.folder(), name, name)) return there();
  parent.sync();
  return true;
}

bool place_tree(const HostPlaces& places, const Path& path, const Carrier& carrier, const Release& release,
                ReleaseSource& source, const std::string& tag) {
  check_tree_place(places, path, carrier, release);
  const auto present = [&] {
    const std::string difference = source.check_tree(release, path);
    if (!difference.empty()) other_content(path, release, difference);
  };
  return place_new(path, tag, present, [&](const Path& made) {
    source.make_tree(release, made);
    const std::string difference = source.check_tree(release, made);
    if (difference.empty()) return;
    throw Error(ErrorCode::verification,
                "cannot place " + path.string() + ": the tree that was made is wrong")
        .fact("differs", difference);
  });
}

bool place_file(const HostPlaces& places, const Path& path, const Carrier& carrier, const Release& release,
                ReleaseSource& source, const std::string& tag) {
  const Output* output = output_of(path, carrier, release);
  const Path parent = path.parent_path();
  if (output == nullptr) {
    refuse(carrier, release.package + " " + release.version.str() + " has no such output");
  }
  if (places.library_path.empty() || parent != Path(places.library_path)) {
    refuse(carrier, "it is not in library-path of [targets." + places.target + "]");
  }
  const auto present = [&] {
    const auto there = digest_at(path);
    if (there == output->digest) return;
    other_content(path, release, (there ? there->str() : "no file") + ", not " + output->digest.str());
  };
  return place_new(path, tag, present, [&](const Path& made) {
    source.write_output(release, *output, made);
    if (fs::hash_file(made) != output->digest) {
      throw Error(ErrorCode::verification,
                  "cannot place " + path.string() + ": what was written has another sha256");
    }
    fs::sync_file(made);
  });
}

bool tree_ok(const Path& path, const Release& release, ReleaseSource& source) {
  const auto stat = fs::stat(path);
  return stat && stat->kind == fs::Kind::folder && source.check_tree(release, path).empty();
}

struct CarrierRow {
  std::string_view prefix;
  bool (*place)(const HostPlaces&, const Path&, const Carrier&, const Release&, ReleaseSource&,
                const std::string&);
};
constexpr auto rows = std::to_array<CarrierRow>({{"tree:", place_tree}, {"file:", place_file}});

}  // namespace

bool place_host_carrier(const HostPlaces& places, const Carrier& carrier, const Release& release,
                        ReleaseSource& source, const std::string& tag) {
  for (const auto& row : rows) {
    if (!carrier.id.starts_with(row.prefix)) continue;
    const Path path = carrier.id.substr(row.prefix.size());
    if (path.is_relative() || path != path.lexically_normal())
      refuse(carrier, "it is no plain absolute path");
    return row.place(places, path, carrier, release, source, tag);
  }
  refuse(carrier, "a carrier of this kind is not known");
}

bool host_carrier_ok(const Carrier& carrier, const Release& release, ReleaseSource& source) {
  for (const auto& row : rows) {
    if (!carrier.id.starts_with(row.prefix)) continue;
    const Path path = carrier.id.substr(row.prefix.size());
    if (row.place == place_tree) return tree_ok(path, release, source);
    return digest_at(path) == carrier.digest;
  }
  return false;
}

}  // namespace mlship
