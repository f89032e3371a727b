#include "tests/support/databricks/generator_text.h"

#include <array>
#include <cctype>

namespace mlship::testing::dbx {
namespace {

constexpr auto folders = std::to_array<std::string_view>(
    {"/Volumes/main/ml/libs/", "/Volumes/main/ml/libs/old/", "dbfs:/Volumes/main/ml/libs/",
     "/Workspace/Shared/libs/", "/Workspace/Users/ann@example.invalid/libs/", "/dbfs/FileStore/jars/",
     "dbfs:/FileStore/jars/", "s3://ml-libs/py/"});
constexpr std::string_view azure_folder = "abfss://libs@store.dfs.example.invalid/py/";

Piece plain(std::string text) {
  Piece piece;
  piece.text = std::move(text);
  return piece;
}

}  // namespace

Texts::Texts(const GenerateOptions& options, Draw& draw) : options_(options), draw_(draw) {}

// Against 1.4.0. Every row with a reason stays for it.
Texts::Age Texts::age(bool movable) {
  constexpr auto older = std::to_array<Age>({{"1.0.9", ""},
                                             {"1.0.10", ""},
                                             {"1.2.1", ""},
                                             {"1.2.10", ""},
                                             {"1.3.0", ""},
                                             {"1.3.9", ""},
                                             {"1.4.0rc1", ""},
                                             {"1.3.0.post1", ""},
                                             {"1.3.0.dev2", ""},
                                             {"1.3.0+build.7", ""},
                                             {"1.4.0.dev1", ""},
                                             {"1.3", ""}});
  constexpr auto others = std::to_array<Age>({{"1.4.0", "same-version"},
                                              {"1.4", "same-version"},
                                              {"1.10.0", "newer"},
                                              {"1.4.1", "newer"},
                                              {"1.4.0.post1", "newer"},
                                              {"1.4.0+cpu", "same-version"},
                                              {"1.4.0+build.7", "newer"},
                                              {"2.0.0", "newer"},
                                              {"2.0.0rc1", "newer"},
                                              {"0.9.0", "other-major"}});
  return movable || draw_.chance(0.6) ? draw_.of(older) : draw_.of(others);
}

// The package's name as people write it: each separator one of `separators`, the first letter large or small.
std::string Texts::spelled(std::string_view separators) {
  std::string name = options_.package;
  for (char& c : name) {
    if (c == '-') c = draw_.of(separators);
  }
  if (draw_.chance(0.15)) name[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(name[0])));
  return name;
}

std::string Texts::folder() {
  if (options_.azure && draw_.chance(0.1)) return std::string(azure_folder);
  return std::string(draw_.of(folders));
}

Piece Texts::file(const std::string& kind, const std::string& name, const Age& age) {
  Piece piece;
  piece.text = folder() + name;
  piece.ours = true;
  piece.file = piece.text;
  piece.reason = age.reason;
  if (!piece.reason.empty()) return piece;
  if (const auto output = options_.outputs.find(kind); output != options_.outputs.end()) {
    piece.to = published_path(options_, output->second);
  } else {
    piece.reason = "other-kind";
  }
  return piece;
}

Text Texts::wheel(bool movable) {
  const Age a = age(movable);
  const std::string build = draw_.chance(0.1) ? "-1" : "";
  return {file("wheel", spelled("_") + "-" + std::string(a.version) + build + "-py3-none-any.whl", a)};
}

Text Texts::egg(bool movable) {
  const Age a = age(movable);
  return {file("egg", spelled("_") + "-" + std::string(a.version) + "-py3.9.egg", a)};
}

Text Texts::jar(bool movable) {
  const Age a = age(movable);
  const std::string scala = draw_.chance(0.5) ? "_2.12" : "";
  Piece piece = file("jar", spelled("-_") + scala + "-" + std::string(a.version) + ".jar", a);
  // The jar that is shipped is for no Scala version.
  if (!piece.to.empty() && !scala.empty()) {
    piece.to.clear();
    piece.reason = "other-build";
  }
  return {piece};
}

Piece Texts::exact(bool movable, bool may_have_extras) {
  const Age a = age(movable);
  const std::string space = draw_.chance(0.2) ? " " : "";
  const std::string extras = may_have_extras && draw_.chance(0.3) ? "[train]" : "";
  const std::string name = spelled("-_.") + extras + space + "==" + space;
  Piece piece;
  piece.ours = true;
  piece.text = name + std::string(a.version);
  piece.reason = a.reason;
  if (piece.reason.empty() && !options_.pins) piece.reason = "no-output";
  if (piece.reason.empty()) piece.to = name + shipped_version;
  return piece;
}

Text Texts::pin(bool movable) {
  if (movable || draw_.chance(0.6)) return {exact(movable, true)};
  constexpr auto ranges =
      std::to_array<std::string_view>({">=1.2,<2", "~=1.3", "==1.3.*", ">=1.0", "!=1.3.0"});
  Piece piece;
  piece.ours = true;
  const bool range = draw_.chance(0.5);
  piece.text = spelled("-_.") + (range ? std::string(draw_.of(ranges)) : "");
  piece.reason = range ? "range" : "unpinned";
  return {piece};
}

Text Texts::coordinates(bool movable) {
  const Age a = age(movable);
  const std::string name = "com.acme:" + options_.package + (draw_.chance(0.5) ? "_2.12:" : ":");
  Piece piece;
  piece.ours = true;
  piece.text = name + std::string(a.version);
  piece.reason = a.reason;
  if (piece.reason.empty() && !options_.coordinates) piece.reason = "no-output";
  if (piece.reason.empty()) piece.to = name + shipped_version;
  return {piece};
}

Text Texts::line(bool movable) {
  const std::string name = spelled("-_.");
  const std::string hash(64, "0123456789abcdef"[draw_.below(16)]);
  switch (draw_.below(movable ? 4 : 9)) {
    case 0: return wheel(movable);
    case 1: return {plain("\""), wheel(movable).front(), plain("\"")};
    case 2: return {wheel(movable).front(), plain("[train]")};
    case 3: return {plain(name + " @ "), wheel(movable).front()};
    case 4: return {exact(false, true), plain(draw_.chance(0.5) ? " ; python_version >= \"3.8\"" : "")};
    case 5: {
      Piece piece = exact(true, false);
      piece.reason = "hash-pinned";
      piece.to.clear();
      return {piece, plain(" --hash=sha256:" + hash)};
    }
    case 6: {
      Piece piece;
      piece.ours = true;
      piece.reason = "opaque";
      piece.text = draw_.chance(0.5)
                       ? name + " @ git+https://git.example.invalid/ml/" + options_.package + ".git@v1.2.1"
                       : "git+https://git.example.invalid/ml/" + options_.package + ".git@main#egg=" + name;
      return {piece};
    }
    case 7: return opaque("-r /Workspace/Shared/", "/requirements.txt");
    default: return pin(false);
  }
}

Text Texts::list(bool movable) {
  Text out{plain("dbfs:/FileStore/jars/common-2.0.0-py3-none-any.whl,")};
  if (draw_.chance(0.5)) out.push_back(plain(other_wheel().front().text + ","));
  out.push_back(wheel(movable).front());
  if (draw_.chance(0.4)) {
    out.push_back(plain(","));
    out.push_back(wheel(movable).front());
  }
  if (draw_.chance(0.5)) out.push_back(plain(",/Volumes/main/ml/libs/tail-1.0-py3-none-any.whl"));
  return out;
}

Text Texts::opaque(const std::string& before, const std::string& after) {
  Piece piece;
  piece.ours = draw_.chance(0.5);
  piece.text = before + (piece.ours ? options_.package : "common") + after;
  if (piece.ours) piece.reason = "opaque";
  piece.file = piece.text.substr(piece.text.find('/'));
  piece.content = "#!/bin/sh\npip install " + (piece.ours ? options_.package : "common") + "==1.0.9\n";
  return {piece};
}

Text Texts::requirements() {
  return opaque("/Workspace/Shared/", "/requirements.txt");
}
Text Texts::init_script() {
  return opaque("/Workspace/Shared/init/install-", ".sh");
}
Text Texts::base_environment() {
  return opaque("/Workspace/Shared/envs/", "-env.yaml");
}

std::string Texts::other_name() {
  switch (draw_.below(5)) {
    case 0: return options_.package + "-plus";
    case 1: return "my" + options_.package;
    case 2: return options_.package + "2";
    case 3: return "x-" + options_.package;
    default: return options_.package + "s";
  }
}

Text Texts::other_wheel() {
  std::string name = other_name();
  for (char& c : name) c = c == '-' ? '_' : c;
  Piece piece = plain(folder() + name + "-1.2.1-py3-none-any.whl");
  piece.file = piece.text;
  return {piece};
}
Text Texts::other_pin() {
  return {plain(other_name() + "==1.2.1")};
}

std::string published_path(const GenerateOptions& options, const OutputFile& output) {
  return options.library_path + "/mlship/" + options.package + "/" + shipped_version + "/" +
         output.sha256.substr(0, 16) + "/" + output.file;
}

}  // namespace mlship::testing::dbx
