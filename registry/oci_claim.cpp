#include "registry/oci_claim.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <thread>

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
constexpr auto state_key = "dev.mlship.claim.state";
constexpr auto renewal_key = "dev.mlship.claim.renewal";
constexpr const char* state_words[] = {"claimed", "withdrawn", "published"};

// "<64 hex digits>-<nonce>" behind the scope; nullopt when it is somebody else's name.
std::optional<Digest> digest_of(std::string_view tag, std::string_view scope) {
  if (!tag.starts_with(scope) || tag.size() < scope.size() + 64) return std::nullopt;
  return Digest::from_hex(tag.substr(scope.size(), 64));
}

}  // namespace

// Renews a claim from a thread of its own, over connections of its own.
class OciClaim::Keeper {
 public:
  explicit Keeper(OciClaim& claim)
      : claim_(claim),
        client_(claim.repository_.client().beside()),
        repository_(*client_.client, claim.repository_.name()),
        renewed_(claim.clock_.monotonic()),
        thread_([this] { keep(); }) {}
  ~Keeper() { (void)stop(); }
  Keeper(const Keeper&) = delete;
  Keeper& operator=(const Keeper&) = delete;

  // No renewal is under way afterwards. True when none was late.
  [[nodiscard]] bool stop() {
    {
      const std::lock_guard guard(mutex_);
      stopping_ = true;
    }
    wake_.notify_all();
    if (thread_.joinable()) thread_.join();
    note();
    return longest_ < patience / 2;
  }

 private:
  void keep() {
    std::unique_lock guard(mutex_);
    while (!wake_.wait_for(guard, lease, [this] { return stopping_; })) {
      try {
        claim_.put(repository_, State::claimed);
        note();
      } catch (const Error&) {  // the next one may get through; if none does, stop() says so
      }
    }
  }

  void note() {
    const auto now = claim_.clock_.monotonic();
    longest_ = std::max(longest_, now - renewed_);
    renewed_ = now;
  }

  OciClaim& claim_;
  OciClient::Beside client_;
  OciRepository repository_;
  milliseconds renewed_;
  milliseconds longest_{0};
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::thread thread_;
};

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

void OciClaim::put(OciRepository& repository, State state) {
  const std::string bytes = canonical_json({{"schemaVersion", 2},
                                            {"mediaType", oci::media::index},
                                            {"manifests", Json::array()},
                                            {"annotations",
                                             {{claims, tag_},
                                              {state_key, state_words[static_cast<size_t>(state)]},
                                              {renewal_key, std::to_string(renewals_++)}}}});
  const auto response = repository.put(tag_, oci::media::index, bytes);
  if (response.status != 201) throw repository.error(response, "claim " + repository.name() + ":" + version_);
  placed_ = sha256(bytes);
}

// Deleted where that is allowed (by digest: docker-registry cannot delete tags); else marked.
void OciClaim::withdraw() {
  if (!placed_) return;
  const Digest digest = *placed_;
  placed_.reset();
  if (!repository_.remove(digest)) put(repository_, State::withdrawn);
  placed_.reset();
}

void OciClaim::published() {
  if (!passed_over_) return;
  put(repository_, State::published);
  placed_.reset();
}

bool OciClaim::hold(const std::function<void()>& write) {
  Keeper keeper(*this);
  write();
  return keeper.stop();
}

// Renewed claims differ, so a claim is as old as its last renewal.
bool OciClaim::alive(const std::string& tag, const Digest& digest) {
  const auto found = repository_.get(tag);
  if (!found) return false;
  const Json json = parse_json(found->bytes, ErrorCode::bundle, tag);
  const std::string state =
      json.value(Json::json_pointer("/annotations/" + std::string(state_key)), state_words[0]);
  if (state == state_words[static_cast<size_t>(State::published)]) others_version_ = digest;
  if (state != state_words[static_cast<size_t>(State::claimed)]) return false;
  const auto now = clock_.monotonic();
  const auto seen = seen_.try_emplace(tag, Seen{found->bytes, now}).first;
  if (seen->second.bytes != found->bytes) seen->second = {found->bytes, now};
  if (now - seen->second.at <= patience) return true;
  passed_over_ = true;
  return false;
}

std::map<std::string, Digest> OciClaim::rivals() {
  std::map<std::string, Digest> out;
  for (const auto& tag : repository_.tags()) {
    const auto digest = digest_of(tag, scope_);
    if (digest && *digest != digest_ && tag != tag_ && alive(tag, *digest)) out.emplace(tag, *digest);
  }
  return out;
}

std::optional<oci::Descriptor> OciClaim::settled() {
  const auto there = repository_.head(version_);
  if (!there || !others_version_ || there->digest == *others_version_) return there;
  const auto theirs = repository_.get(others_version_->str());
  if (!theirs) return there;
  const auto response = repository_.put(version_, theirs->descriptor.media_type, theirs->bytes);
  if (response.status != 201)
    throw repository_.error(response, "put back " + repository_.name() + ":" + version_);
  return theirs->descriptor;
}

std::optional<oci::Descriptor> OciClaim::win() {
  bool told = false;
  for (milliseconds pause = first_pause;; pause = std::min(pause * 2, longest_pause)) {
    if (!placed_) put(repository_, State::claimed);
    looked_ = clock_.monotonic();
    const auto others = rivals();
    // After the look at the claims: who has finished has taken its claim back.
    if (auto there = settled()) return there;
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
