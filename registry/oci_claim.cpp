#include "registry/oci_claim.h"

#include <algorithm>

#include "core/error.h"
#include "core/host/fs.h"
#include "core/json_library.h"

namespace mlship {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds first_pause{50};
constexpr milliseconds longest_pause{1000};
constexpr size_t nonce_length = 12;
constexpr auto claims = "dev.mlship.claim";
constexpr auto state = "dev.mlship.claim.state";

// "<64 hex digits>-<nonce>" behind the scope; nullopt when it is somebody else's name.
std::optional<Digest> digest_of(std::string_view tag, std::string_view scope) {
  if (!tag.starts_with(scope) || tag.size() < scope.size() + 64) return std::nullopt;
  return Digest::from_hex(tag.substr(scope.size(), 64));
}

}  // namespace

OciClaim::OciClaim(OciRepository& repository, std::string version, const Digest& digest,
                   Diagnostics& diagnostics)
    : repository_(repository),
      version_(std::move(version)),
      digest_(digest),
      diagnostics_(diagnostics),
      clock_(repository.client().host().clock),
      scope_(std::string(claim_prefix) + sha256(version_).hex().substr(0, 16) + "-") {
  // At most 128 characters, whatever the version.
  tag_ = scope_ + digest_.hex() + "-" + fs::unique_name("").substr(0, nonce_length);
}

OciClaim::~OciClaim() {
  try {
    withdraw();
  } catch (const Error& error) {  // who comes next waits for its patience, that is all
    diagnostics_.detail("a claim stays behind: " + error.message());
  }
}

void OciClaim::put(bool withdrawn) {
  const std::string bytes =
      canonical_json({{"schemaVersion", 2},
                      {"mediaType", oci::media::index},
                      {"manifests", Json::array()},
                      {"annotations", {{claims, tag_}, {state, withdrawn ? "withdrawn" : "claimed"}}}});
  const auto response = repository_.put(tag_, oci::media::index, bytes);
  if (response.status != 201)
    throw repository_.error(response, "claim " + repository_.name() + ":" + version_);
  placed_ = sha256(bytes);
}

// Deleted where that is allowed (by digest: docker-registry cannot delete tags); else marked.
void OciClaim::withdraw() {
  if (!placed_) return;
  const Digest digest = *placed_;
  placed_.reset();
  if (!repository_.remove(digest)) put(true);
  placed_.reset();
}

bool OciClaim::withdrawn(const std::string& tag) {
  const auto found = repository_.get(tag);
  if (!found) return true;
  const Json json = parse_json(found->bytes, ErrorCode::bundle, tag);
  return json.value(Json::json_pointer("/annotations/" + std::string(state)), "claimed") == "withdrawn";
}

std::map<std::string, Digest> OciClaim::rivals() {
  std::map<std::string, Digest> out;
  for (const auto& tag : repository_.tags()) {
    const auto digest = digest_of(tag, scope_);
    if (!digest || *digest == digest_ || tag == tag_) continue;
    const auto seen = first_seen_.emplace(tag, clock_.monotonic()).first->second;
    if (clock_.monotonic() - seen > patience || withdrawn(tag)) continue;
    out.emplace(tag, *digest);
  }
  return out;
}

std::optional<oci::Descriptor> OciClaim::win() {
  bool told = false;
  for (milliseconds pause = first_pause;; pause = std::min(pause * 2, longest_pause)) {
    if (!placed_) put(false);
    looked_ = clock_.monotonic();
    const auto others = rivals();
    // After the look at the claims: who has finished has taken its claim back.
    if (auto there = repository_.head(version_)) return there;
    if (others.empty()) return std::nullopt;
    const bool lowest =
        std::all_of(others.begin(), others.end(), [&](const auto& other) { return digest_ < other.second; });
    if (!lowest) withdraw();
    if (!told) diagnostics_.status("waiting for another publish of " + repository_.name() + ":" + version_);
    told = true;
    clock_.sleep(pause);
  }
}

bool OciClaim::fresh() const {
  return clock_.monotonic() - looked_ < lease;
}

}  // namespace mlship
