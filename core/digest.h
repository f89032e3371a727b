// sha256 digests in the OCI spelling (image-spec descriptor.md: `sha256:` and 64 lower-case hex digits).
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace mlship {

class Digest {
 public:
  using Bytes = std::array<unsigned char, 32>;
  Digest() : bytes_{} {}
  explicit Digest(const Bytes& bytes) : bytes_(bytes) {}

  // "sha256:<64 lower-case hex>"; nullopt for anything else, other algorithms included.
  static std::optional<Digest> parse(std::string_view text);
  // The 64 hex digits alone, either case (locks write both).
  static std::optional<Digest> from_hex(std::string_view hex);

  [[nodiscard]] std::string str() const;  // "sha256:…"
  [[nodiscard]] std::string hex() const;
  [[nodiscard]] std::string brief() const { return "sha256:" + hex().substr(0, 12) + "…"; }
  [[nodiscard]] const Bytes& bytes() const { return bytes_; }

  auto operator<=>(const Digest&) const = default;

 private:
  Bytes bytes_;
};

// Streaming sha256 over OpenSSL EVP; reusable after finish().
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;

  void update(std::string_view data);
  Digest finish();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

Digest sha256(std::string_view data);

}  // namespace mlship
