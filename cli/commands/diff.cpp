// `mlship diff`: which members of two bundles differ, and why.
#include <map>
#include <set>

#include <fmt/core.h>

#include "cli/arguments.h"
#include "cli/command.h"
#include "cli/open_bundle.h"
#include "cli/release_source.h"
#include "cli/render.h"
#include "cli/services.h"
#include "core/json_library.h"
#include "packager/bundle_diff.h"
#include "packager/tar.h"

namespace mlship {
namespace {

constexpr std::uint64_t unpacked_limit = 1ULL << 42U;  // bytes; the disk is the real limit

struct Options {
  std::string a, b;
};

// One of the two bundles, with the places of its files' bytes; of a version in a registry its further files
// too.
class Side {
 public:
  Side(Services& services, const std::string& subject)
      : services_(services), named_(open_named(services, subject)) {
    services.use_registry("");  // what this REF named says nothing about the other
    add(named_.bundle);
    for (const auto* bundle : named_.further) add(*bundle);
  }

  [[nodiscard]] const NamedBundle& named() const { return named_; }
  // What makes it what it is; a further file may come at any time.
  [[nodiscard]] std::set<Digest> digests() const {
    std::set<Digest> all = {named_.bundle.digest};
    for (const auto* bundle : named_.further) all.insert(bundle->digest);
    return all;
  }
  [[nodiscard]] BundleSide side() {
    return {named_.bundle.info, files_, [this](const BundleFile& file) { return path_of(file); }};
  }

 private:
  void add(const Bundle& bundle) {
    const auto need = [&](const oci::Descriptor& layer) { fetch(bundle, layer); };
    for (auto& file : bundle_files(bundle, need)) {
      if (!paths_.insert(file.path).second) continue;
      holders_[file.layer.digest] = &bundle;
      files_.push_back(std::move(file));
    }
  }
  void fetch(const Bundle& bundle, const oci::Descriptor& layer) {
    if (named_.source != nullptr) named_.source->fetch_blob(bundle.info.package, bundle, layer);
  }

  Path path_of(const BundleFile& file) {
    const Bundle& bundle = *holders_.at(file.layer.digest);
    fetch(bundle, file.layer);
    Path blob = bundle.layout.blob_path(file.layer.digest);
    if (!file.in_tar()) return blob;
    Path& folder = unpacked_[file.layer.digest];
    if (folder.empty()) {
      folder = services_.scratch() / fs::unique_name("tar-");
      fs::make_folders(folder);
      extract_tar(blob, folder, unpacked_limit);
    }
    return folder / file.path;
  }

  Services& services_;
  NamedBundle named_;
  std::vector<BundleFile> files_;
  std::set<std::string> paths_;
  std::map<Digest, const Bundle*> holders_;  // by layer
  std::map<Digest, Path> unpacked_;
};

struct Part {
  std::string_view title;  // the table's column
  std::string_view key;    // in JSON
  const std::vector<Difference>& rows;
  bool files = false;  // a and b are digests, which say nothing to a person beside `why`
};

std::vector<Part> parts_of(const BundleDiff& diff) {
  return {{"METADATA", "metadata", diff.metadata},
          {"DEPENDENCY", "dependencies", diff.dependencies},
          {"MODEL", "models", diff.models},
          {"FILE", "files", diff.files, true}};
}

std::string side_line(std::string_view word, const NamedBundle& named) {
  const auto& info = named.bundle.info;
  return fmt::format("{} {} {} {}  {}\n", word, info.name, info.version.str(), named.bundle.digest.str(),
                     printable(named.where));
}

// Old and new stand below each other: they are compared character by character.
std::string part_text(const Part& part, Stdout& out) {
  Table table({std::string(part.title), "CHANGE", part.files ? "WHERE" : "A, B"});
  for (const auto& row : part.rows) {
    const std::string change(to_string(row.change));
    if (part.files) {
      table.add({row.name, change, row.why});
    } else {
      table.add({row.name, change, row.a.empty() ? row.b : row.a});
      if (row.change == Difference::Change::changed) table.add({"", "", row.b});
    }
  }
  return table.empty() ? "" : "\n" + table.render(out.width(), out.style());
}

OrderedJson side_json(const NamedBundle& named) {
  return {{"name", named.bundle.info.name},
          {"version", named.bundle.info.version.str()},
          {"digest", named.bundle.digest.str()},
          {"where", named.where}};
}

OrderedJson rows_json(const Part& part) {
  const auto text = [](const std::string& value) {
    return value.empty() ? OrderedJson(nullptr) : OrderedJson(value);
  };
  OrderedJson rows = OrderedJson::array();
  for (const auto& row : part.rows) {
    rows.push_back({{part.files ? "path" : "name", row.name},
                    {"change", to_string(row.change)},
                    {"a", text(row.a)},
                    {"b", text(row.b)},
                    {"why", text(row.why)}});
  }
  return rows;
}

ExitCode run(const Options& options, Services& services) {
  Side a(services, options.a), b(services, options.b);
  const Digest &digest_a = a.named().bundle.digest, &digest_b = b.named().bundle.digest;
  const bool identical = a.digests() == b.digests();
  BundleDiff diff;
  if (!identical) {
    diff = compare_bundles(a.side(), b.side());
    // The same members, packed in another way: by another tool, or a later form of bundles.
    if (diff.empty() && digest_a != digest_b) {
      diff.metadata.push_back({Difference::Change::changed, "manifest", digest_a.str(), digest_b.str(), ""});
    }
  }
  auto& out = services.out();
  out.text(side_line("a", a.named()) + side_line("b", b.named()));
  if (identical) out.text("identical\n");
  OrderedJson document{{"schema", "mlship.diff/1"},
                       {"a", side_json(a.named())},
                       {"b", side_json(b.named())},
                       {"identical", identical}};
  for (const auto& part : parts_of(diff)) {
    out.text(part_text(part, out));
    document[std::string(part.key)] = rows_json(part);
  }
  out.document(document);
  return ExitCode::done;
}

CommandRun setup(Arguments& arguments) {
  auto options = std::make_shared<Options>();
  arguments.required(options->a, "A", "REF or PATH: a bundle in a registry, a layout folder or an archive",
                     ValueKind::path);
  arguments.required(options->b, "B", "the one to compare it with", ValueKind::path);
  return [options](Services& services) { return run(*options, services); };
}

}  // namespace

extern const CommandFactory diff_factory{
    "diff", CommandGroup::bundle, "which files, dependencies, models and metadata of two bundles differ",
    "Exit 0 whether they differ or not; --json says `identical`. For a file that changed, the first line or\n"
    "byte that differs; for a wheel, its members.\n"
    "\n"
    "  mlship diff churn:1.3.0 churn:1.4.0\n"
    "  mlship diff churn:1.4.0 dist/churn-1.4.0     why is the digest another?",
    setup};

}  // namespace mlship
