// The reference grammar: a mention of some version of a package in a string, whatever the system. Pure,
// byte-exact, works on bytes that are not UTF-8. Names compare by PEP 503, versions by the scheme.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/digest.h"
#include "core/version.h"

namespace mlship {

enum class Form { wheel, egg, jar, zip, pin, range, vcs, image, maven, bundle, folder, sdist };
std::string_view to_string(Form form);

struct Span {
  size_t begin = 0;
  size_t end = 0;  // one past the last byte
  [[nodiscard]] size_t size() const { return end - begin; }
  bool operator==(const Span&) const = default;
};

struct Reference {
  Form form = Form::pin;
  std::string name;          // as written
  std::string package;       // PEP 503; "": what the text names may hold references, and is not looked into
  std::string group;         // Maven: what stands before the artifact
  std::string version_text;  // as written; "" when there is none (digest only, range, no tag)
  std::optional<Version> version;  // nullopt with a version_text: what stands there is no version
  std::string accelerator;         // of the version's local label: "cu118" (core/accelerator.h)
  std::optional<Digest> digest;    // image, bundle
  bool hash_pinned = false;        // a --hash or #sha256= (or another hash) stands beside it
  Span span;                       // the whole reference in the text, without quotes around it
  Span version_span;               // empty when version_text is
  Span digest_span;                // the "sha256:…" text, empty without one
  std::string folder;              // file forms: everything before the file name, with its `/`; "" when none
  std::string place;   // what `folder` is, where it is spelled otherwise (escapes, doubled quotes)
  std::string file;    // file forms: the file name alone
  std::string root;    // folder form: the install root it stands under
  std::string opaque;  // why its text cannot be rewritten where it stands; "" when it can
};

// What a string is as a whole, where the place it stands in says so: there a name without a version is a
// reference too, and a path keeps every character that a file system allows. Only text is searched.
enum class Whole {
  text,
  command,      // a command line; what it hands to a program that spark-submit starts is the program's own
  path,         // one path or URL
  list,         // paths or Maven coordinates, separated by commas
  requirement,  // one line of pip: `churn`, `churn[x] ; marker`, a path, `churn @ URL`
  image,        // an image: `h/ml/churn`, `churn:stable`
  coordinate,   // Maven coordinates, or the path of a jar
};

struct Grammar {
  Scheme scheme = Scheme::pep440;
  std::vector<std::string> roots;  // install roots: <root>/<package>/<version>[/…] is a folder reference
  Whole whole = Whole::text;
  std::vector<std::string> folders =
      {};  // of libraries: in a text a file's path may begin with one, blanks and all
};

// Every reference in `text`, left to right, none overlapping. One whose version does not parse has none,
// where the place leaves no doubt that a version is meant.
std::vector<Reference> find_references(std::string_view text, const Grammar& grammar);

// The text of `whole.substr(reference.span)` rewritten to the new version; extras, quotes, markers, scheme,
// the accelerator and the tag-or-digest style stay. `file`: the new file name for the file forms. `digest`:
// for image and bundle.
std::string rewrite(std::string_view whole, const Reference& reference, const Version& version,
                    const std::string& file = "", const std::optional<Digest>& digest = std::nullopt);

}  // namespace mlship
