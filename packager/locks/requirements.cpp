// pip's requirements file in its hash-checking form: `name==version ; marker --hash=sha256:…`. A line that
// pip would take but that does not pin one set of files by sha256 is refused.
#include <algorithm>
#include <array>
#include <set>
#include <stdexcept>

#include "core/error.h"
#include "core/names.h"
#include "core/secret.h"
#include "core/text.h"
#include "packager/lock.h"
#include "packager/platform.h"
#include "packager/requirement_line.h"
#include "packager/requirement_lines.h"
#include "packager/url.h"

namespace mlship {
namespace {

constexpr std::string_view space = " \t";

// What options do to a lock. Where files come from is the project's and the machine's setting and never the
// lock's, and only wheels are ever taken: options about either are read and not followed.
enum class Rule { ignored, refused };
struct Option {
  std::string_view name, shorter;
  bool value;
  Rule rule;
  std::string_view why;
  std::string_view hint{};  // "": one file with all requirements
};
constexpr auto options = std::to_array<Option>({
    {"--index-url", "-i", true, Rule::ignored, ""},
    {"--pypi-url", "", true, Rule::ignored, ""},
    {"--extra-index-url", "", true, Rule::ignored, ""},
    {"--no-index", "", false, Rule::ignored, ""},
    {"--find-links", "-f", true, Rule::ignored, ""},
    {"--trusted-host", "", true, Rule::ignored, ""},
    {"--only-binary", "", true, Rule::ignored, ""},
    {"--no-binary", "", true, Rule::ignored, ""},
    {"--prefer-binary", "", false, Rule::ignored, ""},
    {"--require-hashes", "", false, Rule::ignored, ""},
    {"--use-feature", "", true, Rule::ignored, ""},
    {"--use-deprecated", "", true, Rule::ignored, ""},
    {"--timeout", "", true, Rule::ignored, ""},
    {"--retries", "", true, Rule::ignored, ""},
    {"--proxy", "", true, Rule::ignored, ""},
    {"--cert", "", true, Rule::ignored, ""},
    {"--client-cert", "", true, Rule::ignored, ""},
    {"--pre", "", false, Rule::ignored, ""},
    {"--requirement", "-r", true, Rule::refused, "another file is included"},
    {"--constraint", "-c", true, Rule::refused, "a constraints file is included"},
    {"--editable", "-e", true, Rule::refused, "an editable requirement cannot be locked",
     "leave the project itself out: uv export --no-emit-project, or --no-emit-workspace in a workspace"},
});

// One line being read; every refusal names it.
class Line {
 public:
  Line(const RequirementLine& line, const std::string& file)
      : text_(line.text), origin_(file + ":" + std::to_string(line.number)) {}

  [[nodiscard]] const std::string& text() const { return text_; }
  [[nodiscard]] const std::string& origin() const { return origin_; }

  [[nodiscard]] Error error(const std::string& why) const {
    return {ErrorCode::lock, "cannot read " + origin_ + ": " + why};
  }

 private:
  std::string text_;
  std::string origin_;
};

constexpr std::string_view lock_hint = "pip-compile --generate-hashes";

void read_option(const Line& line) {
  const auto words = shell_words(line.text());
  const std::string word = words.empty() ? "" : words.front();
  if (word.starts_with("--hash")) {
    throw line.error("this hash belongs to no requirement")
        .hint("end the line above it with a backslash, with no comment or empty line between");
  }
  const std::string name = word.substr(0, word.find('='));
  const auto* found = std::find_if(options.begin(), options.end(), [&](const Option& option) {
    return name == option.name || (!option.shorter.empty() && word.substr(0, 2) == option.shorter);
  });
  if (found == options.end()) {
    std::vector<std::string> known;
    for (const auto& option : options) known.emplace_back(option.name);
    throw line.error("unknown option " + name + did_you_mean(name, known));
  }
  if (found->rule == Rule::refused) {
    throw line.error(std::string(found->why))
        .hint(!found->hint.empty() ? std::string(found->hint)
                                   : "put every requirement in one file: " + std::string(lock_hint));
  }
}

struct Parts {
  std::string requirement;  // up to the first option
  std::string marker;
  std::vector<std::string> hashes;  // "sha256:…"
};

// pip: words up to the first that starts with `-` are the requirement, the rest are its options.
Parts split_line(const Line& line) {
  Parts parts;
  const std::string& text = line.text();
  size_t options_at = text.size();
  for (size_t i = 1; i < text.size(); ++i) {
    if (text[i] == '-' && space.find(text[i - 1]) != std::string_view::npos) {
      options_at = i;
      break;
    }
  }
  const auto words = shell_words(std::string_view(text).substr(options_at));
  for (size_t i = 0; i < words.size(); ++i) {
    if (words[i].starts_with("--hash=")) {
      parts.hashes.push_back(words[i].substr(7));
    } else if (words[i] == "--hash" && i + 1 < words.size()) {
      parts.hashes.push_back(words[++i]);
    } else {
      throw line
          .error("option " + words[i].substr(0, words[i].find('=')) + " only matters to a build from source")
          .hint("remove it: only wheels are taken");
    }
  }
  const std::string_view whole = stripped(std::string_view(text).substr(0, options_at));
  // PEP 508: after a URL a marker needs white space before its semicolon, because `;` may be part of a URL.
  const bool url = whole.find("://") != std::string_view::npos;
  const size_t semicolon = url ? std::min(whole.find(" ;"), whole.find("\t;")) : whole.find(';');
  parts.requirement = std::string(stripped(whole.substr(0, semicolon)));
  if (semicolon != std::string_view::npos) {
    parts.marker = std::string(stripped(whole.substr(whole.find(';', semicolon) + 1)));
  }
  return parts;
}

// A marker is checked when the file is read, so that a mistake shows whatever the platform is. What is a
// version on some platform is one here: `"3.11.7" ~= python_full_version` makes a specifier of it.
void check_marker(const Line& line, const std::string& marker) {
  static const MarkerEnvironment environment{{"implementation_name", "0"},
                                             {"implementation_version", "3.11.0"},
                                             {"os_name", "0"},
                                             {"platform_machine", "0"},
                                             {"platform_release", "5.10.0"},
                                             {"platform_system", "0"},
                                             {"platform_version", "0"},
                                             {"platform_python_implementation", "0"},
                                             {"python_full_version", "3.11.0"},
                                             {"python_version", "3.11"},
                                             {"sys_platform", "0"}};
  try {
    marker_holds(marker, environment);
  } catch (const std::invalid_argument& e) {
    throw line.error(e.what());
  }
}

void add_hash(const Line& line, LockedRequirement& requirement, const std::string& text,
              std::string& others) {
  const size_t colon = text.find(':');
  const std::string algorithm = text.substr(0, colon);
  if (algorithm != "sha256") {
    others += (others.empty() ? "" : ", ") + algorithm;
    return;
  }
  const auto digest = Digest::from_hex(colon == std::string::npos ? "" : text.substr(colon + 1));
  if (!digest) throw line.error("'" + text + "' is not a sha256 hash: 64 hexadecimal digits are expected");
  if (std::find(requirement.hashes.begin(), requirement.hashes.end(), *digest) == requirement.hashes.end()) {
    requirement.hashes.push_back(*digest);
  }
}

// The URL of `name @ URL` or of a bare URL; takes its sha256 fragment as one of the hashes.
void read_url(const Line& line, LockedRequirement& requirement, std::string url,
              std::vector<std::string>& hashes) {
  if (!url.starts_with("https://") && !url.starts_with("http://")) {
    throw line.error("only https: and http: URLs of wheels can be locked")
        .fact("found", url.substr(0, url.find(':')));
  }
  if (url_userinfo(url)) {
    throw line.error("the URL " + printable_url(url) + " holds a password")
        .hint("move the password to ~/.netrc and remove it from " + line.origin());
  }
  const size_t fragment = url.find('#');
  std::string rest = fragment == std::string::npos ? "" : url.substr(fragment + 1);
  url.resize(std::min(fragment, url.size()));
  while (!rest.empty()) {
    const size_t end = rest.find('&');
    const std::string item = rest.substr(0, end);
    const size_t equal = item.find('=');
    const std::string key = item.substr(0, equal);
    if (std::set<std::string>{"sha256", "sha384", "sha512", "sha1", "md5"}.contains(key)) {
      hashes.push_back(key + ":" + (equal == std::string::npos ? "" : item.substr(equal + 1)));
    }
    rest = end == std::string::npos ? "" : rest.substr(end + 1);
  }
  requirement.file = url_file_name(url);
  const auto wheel = parse_wheel_name(requirement.file);
  if (!wheel) throw line.error("the URL " + printable_url(url) + " does not name a wheel");
  if (requirement.name.empty()) requirement.name = wheel->name;
  if (normalize_name(wheel->name) != normalize_name(requirement.name)) {
    throw line.error("the URL's file " + requirement.file + " is not a wheel of " + requirement.name);
  }
  requirement.version = wheel->version;
  requirement.url = url;
}

// Takes `name[extra,…]` off the front.
void take_name(const Line& line, LockedRequirement& requirement, std::string_view& text) {
  const auto parts = parse_requirement(text.substr(0, text.find_first_of("@=<>~!")));
  if (!parts) throw line.error("'" + std::string(text) + "' does not start with a package's name");
  requirement.name = parts->text.substr(0, parts->text.find_first_of("[ \t"));
  requirement.extras = parts->extras;
  text = stripped(text.substr(requirement.name.size()));
  if (!text.starts_with('[')) return;
  const size_t close = text.find(']');
  if (close == std::string_view::npos)
    throw line.error("a ']' is missing after the extras of " + requirement.name);
  text = stripped(text.substr(close + 1));
}

void read_version(const Line& line, LockedRequirement& requirement, std::string_view text) {
  if (text.starts_with('(') && text.ends_with(')')) text = stripped(text.substr(1, text.size() - 2));
  const auto not_pinned = [&] {
    return line.error(requirement.name + " is not pinned to one version with ==")
        .hint(std::string(lock_hint));
  };
  if (!text.starts_with("==")) throw not_pinned();
  text = stripped(text.substr(text.starts_with("===") ? 3 : 2));
  if (text.ends_with(".*") || text.find(',') != std::string_view::npos) throw not_pinned();
  if (!Version::parse(text)) {
    throw line.error("'" + std::string(text) + "' is not a version of " + requirement.name);
  }
  requirement.version = std::string(text);
}

LockedRequirement read_requirement(const Line& line) {
  Parts parts = split_line(line);
  std::string_view text = parts.requirement;
  LockedRequirement requirement;
  requirement.origin = line.origin();
  requirement.marker = parts.marker;
  const bool bare_url = text.find("://") < text.find_first_of(" \t@[=<>~!");
  if (!bare_url &&
      (text.starts_with('.') || text.starts_with('/') || text.find('/') < text.find_first_of("@=<>"))) {
    throw line.error("a path on this machine cannot be locked").fact("found", parts.requirement);
  }
  if (bare_url) {
    read_url(line, requirement, std::string(text), parts.hashes);
  } else {
    take_name(line, requirement, text);
    if (text.starts_with('@')) {
      read_url(line, requirement, std::string(stripped(text.substr(1))), parts.hashes);
    } else {
      read_version(line, requirement, text);
    }
  }
  requirement.normal = normalize_name(requirement.name);
  check_marker(line, requirement.marker);

  std::string others;
  for (const auto& hash : parts.hashes) add_hash(line, requirement, hash, others);
  if (requirement.hashes.empty()) {
    Error error = line.error(requirement.name + " " + requirement.version + " has no sha256 hash");
    if (!others.empty()) error = std::move(error).fact("found", others + ", which is not accepted");
    throw std::move(error).hint(std::string(lock_hint));
  }
  // Which of them would the URL's file be? Whatever some cache happens to hold.
  if (!requirement.url.empty() && requirement.hashes.size() > 1) {
    throw line.error("a URL is one file, and it has " + std::to_string(requirement.hashes.size()) + " hashes")
        .hint("leave the sha256 of what the URL holds, or lock " + requirement.name +
              "==" + requirement.version + " with the hashes");
  }
  return requirement;
}

// pip replaces ${NAME} from the environment: the lock would mean something else on each machine.
void refuse_variables(const Line& line) {
  const size_t at = line.text().find("${");
  if (at == std::string::npos) return;
  const std::string name = line.text().substr(at, line.text().find('}', at) + 1 - at);
  throw line.error("the environment variable " + name + " would change what is locked")
      .hint("write the value instead, and passwords in ~/.netrc");
}

[[noreturn]] void refuse_open_line(const Line& line) {
  throw line.error("a backslash is missing at its end, so the hash on the next line belongs to nothing")
      .hint("end each line but the last of a requirement with a backslash, or: " + std::string(lock_hint));
}

void refuse_binary(std::string_view text, const std::string& file) {
  // Unicode §Byte Order Mark; PowerShell's `>` writes UTF-16.
  if (text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF")) {
    throw Error(ErrorCode::lock, "cannot read " + file + ": it is UTF-16, and a lock must be UTF-8")
        .hint("save the file as UTF-8; in PowerShell: … | Out-File -Encoding utf8 " + file);
  }
  if (text.find('\0') != std::string_view::npos)
    throw Error(ErrorCode::lock, "cannot read " + file + ": it holds binary data");
}

Lock read(std::string_view text, const std::string& file) {
  refuse_binary(text, file);
  Lock lock{"requirements", {}};
  const auto lines = requirement_lines(text);
  for (size_t i = 0; i < lines.size(); ++i) {
    const Line line(lines[i], file);
    const bool hash_below = i + 1 < lines.size() && lines[i + 1].text.starts_with("--hash");
    if (hash_below && !line.text().starts_with('-')) refuse_open_line(line);
    if (line.text().starts_with("--index-url") || line.text().starts_with("--extra-index-url")) {
      continue;  // often with ${PASSWORD}: never followed, so never read
    }
    refuse_variables(line);
    if (line.text().starts_with('-')) {
      read_option(line);
    } else {
      lock.requirements.push_back(read_requirement(line));
    }
  }
  return lock;
}

// By name, or by a first line that no other format has: an option or `name==`.
bool detect(std::string_view file_name, std::string_view text) {
  if (file_name.ends_with(".txt") || file_name.starts_with("requirements")) {
    return !file_name.ends_with(".toml") && !file_name.ends_with(".json");
  }
  const auto lines = requirement_lines(text.substr(0, 64U << 10U));
  if (lines.empty()) return false;
  const std::string& first = lines.front().text;
  // `name==1`, where a TOML or JSON line has its quote, bracket or single `=` first.
  const size_t pin = first.find("==");
  return first.starts_with("--") || (pin == first.find('=') && pin < first.find_first_of("\"'{:"));
}

}  // namespace

extern const LockFactory requirements_factory{"requirements", "pip's requirements file with --hash=sha256:…",
                                              detect, read};

}  // namespace mlship
