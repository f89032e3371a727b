// Who may create a version, in registries that ignore conditions on writes.
//
// A claim is a tag of its own with a tiny index that names version and digest. Everybody writes a claim
// before looking at the others' claims, so of two at least one sees the other; whoever sees a lower digest
// than its own takes its claim back and waits, whoever has the lowest waits until the others have taken
// theirs back. Only who is alone writes the version. A claim whose owner was killed is ignored once it has
// been seen for `patience`.
#pragma once

#include <chrono>
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
  static constexpr std::chrono::seconds patience{20};
  // The version must be written within this time after the look at the others; less than patience by far.
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

 private:
  void put(bool withdrawn);
  void withdraw();
  // Of others, of the same version and another digest, alive.
  std::map<std::string, Digest> rivals();
  [[nodiscard]] bool withdrawn(const std::string& tag);

  OciRepository& repository_;
  std::string version_;
  Digest digest_;
  Diagnostics& diagnostics_;
  Clock& clock_;
  std::string tag_;               // "mlship-claim-<version's hash>-<digest>-<nonce>"
  std::string scope_;             // what the claims of one version have in common
  std::optional<Digest> placed_;  // the index that the claim's tag points to
  std::chrono::milliseconds looked_{0};
  std::map<std::string, std::chrono::milliseconds> first_seen_;
};

}  // namespace mlship
