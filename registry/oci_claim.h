// Who may create a version, in registries that ignore conditions on writes.
//
// A claim is a tag of its own with a tiny index that names version and digest. Everybody writes a claim
// before looking at the others' claims, so of two at least one sees the other; whoever sees a lower digest
// than its own takes its claim back and waits, whoever has the lowest waits until the others have taken
// theirs back. Only who is alone writes the version, and renews its claim as long as that write is under way.
// A claim that nobody renewed for `patience` is passed over: its owner was killed, or sleeps. Whoever passed
// one over leaves its own claim as `published`, so that an owner that wakes up with its write done after all
// sees that the version belongs to somebody else, and puts it back.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "core/diagnostics.h"
#include "registry/oci_repository.h"

namespace mlship {

constexpr std::string_view claim_prefix = "mlship-claim-";

class OciClaim {
 public:
  // Longer than gateways hold a request (60 s in nginx and AWS load balancers).
  static constexpr std::chrono::seconds patience{75};
  // The version must be sent within this time after the look at the others; a claim is renewed as often.
  static constexpr std::chrono::seconds lease{5};

  OciClaim(OciRepository& repository, std::string version, const Digest& digest, Diagnostics& diagnostics);
  // Takes the claim back.
  ~OciClaim();
  OciClaim(const OciClaim&) = delete;
  OciClaim& operator=(const OciClaim&) = delete;

  // nullopt: nobody else is about to write the version; write it now, while fresh(). Otherwise what the
  // version is by now.
  std::optional<oci::Descriptor> win();
  [[nodiscard]] bool fresh() const;
  // Calls `write` and renews the claim until it returns. False when the claim may have been passed over
  // meanwhile (this machine slept, the registry took no renewal): what was written must be looked at again.
  [[nodiscard]] bool hold(const std::function<void()>& write);
  // The version was written and read back.
  void published();

 private:
  enum class State { claimed, withdrawn, published };
  struct Seen {
    std::string bytes;  // as it was last renewed
    std::chrono::milliseconds at{0};
  };
  class Keeper;

  void put(OciRepository& repository, State state);
  void withdraw();
  // Of others, of the same version and another digest, alive.
  std::map<std::string, Digest> rivals();
  [[nodiscard]] bool alive(const std::string& tag, const Digest& digest);
  // The version, put back to what somebody was told that it is.
  [[nodiscard]] std::optional<oci::Descriptor> settled();

  OciRepository& repository_;
  std::string version_;
  Digest digest_;
  Diagnostics& diagnostics_;
  Clock& clock_;
  std::string tag_;               // "mlship-claim-<version's hash>-<digest>-<nonce>"
  std::string scope_;             // what the claims of one version have in common
  std::optional<Digest> placed_;  // the index that the claim's tag points to
  int renewals_ = 0;
  bool passed_over_ = false;              // somebody else's claim
  std::optional<Digest> others_version_;  // that somebody else was told is published
  std::chrono::milliseconds looked_{0};
  std::map<std::string, Seen> seen_;
};

}  // namespace mlship
