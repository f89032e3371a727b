#include "registry/oci_referrers.h"

#include <algorithm>
#include <optional>

#include "core/error.h"
#include "core/json_library.h"

namespace mlship {
namespace {

constexpr int tries = 8;
constexpr std::string_view tag_prefix = "sha256-";
constexpr std::string_view hex_digits = "0123456789abcdef";

using Entries = std::vector<oci::Descriptor>;

void sort(Entries& entries) {
  std::sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) { return a.digest < b.digest; });
}

void add(const Json& index, const std::string& what, ErrorCode code, Entries& out) {
  const auto list = index.is_object() ? index.find("manifests") : index.end();
  if (!index.is_object() || list == index.end() || !list->is_array() || index.contains("layers")) {
    throw Error(code, "cannot use " + what + ": it is not an index");
  }
  for (const auto& entry : *list) {
    const auto digest = entry.is_object() ? entry.find("digest") : entry.end();
    // Of another algorithm: nothing we can verify, so nothing we can use.
    if (entry.is_object() && digest != entry.end() && digest->is_string() &&
        !digest->get<std::string>().starts_with("sha256:"))
      continue;
    out.push_back(oci::parse_descriptor(entry, what));
  }
}

struct Fallback {
  Entries entries;
  OrderedJson document;  // as it is there, other tools' fields included
};

// GitLab answers the fallback tag with the subject itself (oras-go #1396): that is "none", and what is
// written there would be lost. Anything else that is no index is somebody's mistake or worse.
std::optional<Fallback> read_fallback(OciRepository& repository, const Digest& subject) {
  const auto found = repository.get(fallback_tag(subject));
  if (!found || found->descriptor.digest == subject) return std::nullopt;
  const std::string what = "the referrers tag " + fallback_tag(subject) + " of " + repository.name();
  Fallback out;
  if (found->descriptor.media_type != oci::media::index) {
    throw Error(ErrorCode::verification, "cannot use " + what + ": it is not an index")
        .fact("media type", found->descriptor.media_type);
  }
  add(parse_json(found->bytes, ErrorCode::verification, what), what, ErrorCode::verification, out.entries);
  out.document = OrderedJson::parse(found->bytes);
  return out;
}

bool holds(const std::optional<Fallback>& fallback, const Digest& digest) {
  return fallback && std::any_of(fallback->entries.begin(), fallback->entries.end(),
                                 [&](const auto& entry) { return entry.digest == digest; });
}

std::string with_entry(const std::optional<Fallback>& fallback, const oci::Descriptor& referrer) {
  const OrderedJson entry = OrderedJson::parse(oci::to_json(referrer).dump());
  if (!fallback) {
    return OrderedJson{
        {"schemaVersion", 2}, {"mediaType", oci::media::index}, {"manifests", OrderedJson::array({entry})}}
        .dump();
  }
  OrderedJson document = fallback->document;
  document["manifests"].push_back(entry);
  return document.dump();
}

}  // namespace

std::string fallback_tag(const Digest& subject) {
  return std::string(tag_prefix) + subject.hex();
}

bool is_fallback_tag(std::string_view tag) {
  if (!tag.starts_with(tag_prefix)) return false;
  const std::string_view rest = tag.substr(tag_prefix.size());
  const size_t end = std::min(rest.find_first_not_of(hex_digits), rest.size());
  return end == 64 && (rest.size() == 64 || rest[64] == '.');
}

std::vector<oci::Descriptor> list_referrers(OciRepository& repository, const Digest& subject) {
  auto& client = repository.client();
  const std::string what = "the referrers of " + subject.str();
  Entries out;
  HttpRequest like;
  like.headers.emplace("Accept", oci::media::index);
  const auto refused =
      client.pages(client.url(repository.name() + "/referrers/" + subject.str()), repository.pull(), like,
                   [&](const HttpResponse& page) {
                     add(parse_json(page.body, ErrorCode::network, what), what, ErrorCode::network, out);
                   });
  if (refused) {
    const int status = refused->status;
    if (status != 404 && status != 405 && status != 501) throw repository.error(*refused, "read " + what);
    if (auto fallback = read_fallback(repository, subject)) out = std::move(fallback->entries);
  }
  sort(out);
  return out;
}

void add_to_fallback(OciRepository& repository, const Digest& subject, const oci::Descriptor& referrer,
                     const std::function<void()>& store_again) {
  const std::string doing = "record the referrer " + referrer.digest.str();
  for (int attempt = 0; attempt < tries; ++attempt) {
    const auto there = read_fallback(repository, subject);
    if (holds(there, referrer.digest)) return;
    const auto response =
        repository.put(fallback_tag(subject), oci::media::index, with_entry(there, referrer));
    // docker-registry checks every manifest of an index, and reads the links of one that somebody else stores
    // at this moment half-written: 400, or 404.
    const bool may_pass = response.status == 400 || response.status == 404;
    if (response.status != 201 && (!may_pass || attempt + 1 == tries))
      throw repository.error(response, doing);
    if (may_pass) store_again();
    // Two writers lose one entry (the spec says so): whoever does not find its own writes again.
    if (holds(read_fallback(repository, subject), referrer.digest)) return;
    repository.client().host().clock.sleep(std::chrono::milliseconds(20 << attempt));
  }
  throw Error(ErrorCode::http_conflict,
              "cannot " + doing + ": the registry does not keep the tag " + fallback_tag(subject))
      .fact("tries", std::to_string(tries));
}

}  // namespace mlship
