#include "packager/bundle_diff.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include <fmt/core.h>

#include "packager/bundle_paths.h"
#include "packager/tar.h"
#include "packager/zip.h"

namespace mlship {
namespace {

constexpr std::uint64_t compared = 4U << 20U;  // bytes; what is larger is told by its digests alone
using Change = Difference::Change;
using Texts = std::map<std::string, std::string>;

// What only one side has, and what both have with another text.
std::vector<Difference> compare_texts(const Texts& a, const Texts& b) {
  std::vector<Difference> out;
  for (const auto& [name, text] : a) {
    const auto other = b.find(name);
    if (other == b.end()) {
      out.push_back({Change::removed, name, text, "", ""});
    } else if (other->second != text) {
      out.push_back({Change::changed, name, text, other->second, ""});
    }
  }
  for (const auto& [name, text] : b) {
    if (!a.contains(name)) out.push_back({Change::added, name, "", text, ""});
  }
  std::sort(out.begin(), out.end(), [](const auto& x, const auto& y) { return x.name < y.name; });
  return out;
}

void put(Texts& texts, std::string name, std::string text) {
  if (!text.empty()) texts.emplace(std::move(name), std::move(text));
}

Texts metadata_of(const BundleInfo& info) {
  Texts out;
  put(out, "name", info.name);
  put(out, "version", info.version.str());
  put(out, "scheme", std::string(to_string(info.scheme)));
  put(out, "description", info.description);
  put(out, "license", info.license);
  for (const auto& [name, target] : info.entry_points) put(out, "entry point " + name, target);
  for (const auto& platform : info.platforms) {
    put(out, "platform " + platform.name, "Python " + platform.python + " on " + platform.machine);
  }
  for (const auto& output : info.outputs) put(out, "output " + output.kind, output.filename);
  return out;
}

// One dependency may come as several files, one for each platform that needs its own.
Texts dependencies_of(const BundleInfo& info) {
  std::map<std::string, std::set<std::string>> rows;
  for (const auto& row : info.dependencies) {
    std::string text = row.version + " " + row.file;
    if (!row.marker.empty()) text += " ; " + row.marker;
    rows[row.name].insert(text + " " + row.digest.brief());
  }
  Texts out;
  for (const auto& [name, lines] : rows) {
    std::string& text = out[name];
    for (const auto& line : lines) text += (text.empty() ? "" : ", ") + line;
  }
  return out;
}

using Files = std::map<std::string, const BundleFile*>;

Files by_path(const std::vector<BundleFile>& files) {
  Files out;
  for (const auto& file : files) out.emplace(file.path, &file);
  return out;
}

// The header's texts and the files' digests: both are the model.
Texts model_texts(const BundleModel& model, const Files& files) {
  Texts out;
  for (const auto& [key, value] : model.header.items()) {
    put(out, key, value.is_string() ? value.get<std::string>() : canonical_json(value));
  }
  for (const auto& path : model.paths) {
    const auto file = files.find(path);
    put(out, path, file == files.end() ? "not there" : file->second->digest.brief());
  }
  return out;
}

std::string joined(const Texts& texts) {
  std::string out;
  for (const auto& [name, text] : texts) out += fmt::format("{}{}={}", out.empty() ? "" : " ", name, text);
  return out;
}

std::vector<Difference> compare_models(const BundleSide& a, const BundleSide& b) {
  const auto named = [](const BundleInfo& info, const Files& files) {
    std::map<std::string, Texts> out;
    for (const auto& model : info.models) out.emplace(model.name, model_texts(model, files));
    return out;
  };
  const auto left = named(a.info, by_path(a.files)), right = named(b.info, by_path(b.files));
  Texts left_lines, right_lines;
  for (const auto& [name, texts] : left) left_lines.emplace(name, joined(texts));
  for (const auto& [name, texts] : right) right_lines.emplace(name, joined(texts));
  auto out = compare_texts(left_lines, right_lines);
  for (auto& row : out) {
    if (row.change != Change::changed) continue;
    Texts old_texts, new_texts;  // only what differs
    for (const auto& field : compare_texts(left.at(row.name), right.at(row.name))) {
      put(old_texts, field.name, field.a);
      put(new_texts, field.name, field.b);
    }
    row.a = joined(old_texts);
    row.b = joined(new_texts);
  }
  return out;
}

// Paths that belong to a dependency or a model, and the metadata, which is compared field by field.
std::set<std::string> told_elsewhere(const BundleInfo& info) {
  std::set<std::string> out{std::string(bundle_path::info)};
  for (const auto& row : info.dependencies) out.insert(bundle_path::dependency(row.file));
  for (const auto& model : info.models) out.insert(model.paths.begin(), model.paths.end());
  return out;
}

// The members that differ, of two zips; the order or the packing when none does.
std::string zip_difference(const Path& a, const Path& b) {
  const auto members = [](const Path& file) {
    Texts out;
    const ZipReader zip(file);
    for (const auto& entry : zip.entries()) {
      out[entry.path] = fmt::format("{:08x} {}{}", entry.crc, entry.size, entry.executable ? " x" : "");
    }
    return out;
  };
  std::string names;
  for (const auto& row : compare_texts(members(a), members(b))) {
    names += fmt::format("{}{} {}", names.empty() ? "" : ", ", row.name, to_string(row.change));
  }
  return names.empty() ? "packing" : names;
}

std::string first_difference(const Path& old_file, const Path& new_file) {
  const std::string a = fs::read_file(old_file), b = fs::read_file(new_file);
  const auto at = std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first;
  if (a.find('\0') != std::string::npos || b.find('\0') != std::string::npos) {
    return "byte " + std::to_string(at - a.begin() + 1);
  }
  return "line " + std::to_string(std::count(a.begin(), at, '\n') + 1);
}

std::string why_changed(const BundleSide& a, const BundleFile& old_file, const BundleSide& b,
                        const BundleFile& new_file) {
  std::string why;
  if (old_file.digest != new_file.digest) {
    const bool small = std::max(old_file.size, new_file.size) <= compared;
    const bool zip = old_file.path.ends_with(".whl") || old_file.path.ends_with(".zip");
    const auto compare = zip ? zip_difference : first_difference;
    why = small ? compare(a.content(old_file), b.content(new_file)) : "content";
  }
  if (old_file.executable != new_file.executable) {
    why +=
        std::string(why.empty() ? "" : ", ") + (new_file.executable ? "executable" : "no longer executable");
  }
  return why;
}

std::vector<Difference> compare_files(const BundleSide& a, const BundleSide& b) {
  auto skipped = told_elsewhere(a.info);
  skipped.merge(told_elsewhere(b.info));
  const auto texts_of = [&](const std::vector<BundleFile>& files) {
    Texts out;
    for (const auto& file : files) {
      if (!skipped.contains(file.path)) out[file.path] = file.digest.str() + (file.executable ? " x" : "");
    }
    return out;
  };
  const Files left = by_path(a.files), right = by_path(b.files);
  auto out = compare_texts(texts_of(a.files), texts_of(b.files));
  for (auto& row : out) {
    if (!row.a.empty()) row.a = left.at(row.name)->digest.str();
    if (!row.b.empty()) row.b = right.at(row.name)->digest.str();
    if (row.change == Change::changed) row.why = why_changed(a, *left.at(row.name), b, *right.at(row.name));
  }
  return out;
}

}  // namespace

std::string_view to_string(Difference::Change change) {
  constexpr std::array<std::string_view, 3> words{"added", "removed", "changed"};
  return words.at(static_cast<size_t>(change));
}

std::vector<BundleFile> bundle_files(const Bundle& bundle,
                                     const std::function<void(const oci::Descriptor&)>& need) {
  std::vector<BundleFile> files;
  for (const auto& layer : bundle.manifest.layers) {
    if (layer.media_type != oci::media::code_tar) {
      files.push_back({layer.title(), layer.size, layer.digest, false, layer});
      continue;
    }
    need(layer);
    for (const auto& entry : list_tar(bundle.layout.blob_path(layer.digest))) {
      files.push_back({entry.path, entry.size, entry.digest, entry.executable, layer});
    }
  }
  return files;
}

BundleDiff compare_bundles(const BundleSide& a, const BundleSide& b) {
  BundleDiff out;
  out.metadata = compare_texts(metadata_of(a.info), metadata_of(b.info));
  out.dependencies = compare_texts(dependencies_of(a.info), dependencies_of(b.info));
  out.models = compare_models(a, b);
  out.files = compare_files(a, b);
  return out;
}

}  // namespace mlship
