#include "core/digest.h"

#include <algorithm>
#include <utility>

#include <openssl/evp.h>

#include "core/error.h"

namespace mlship {
namespace {

constexpr std::string_view prefix = "sha256:";

int nibble(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Fetched once: the implicit fetch of EVP_sha256() costs more than hashing a small file.
const EVP_MD* algorithm() {
  static const EVP_MD* const md = EVP_MD_fetch(nullptr, "SHA2-256", nullptr);
  return md;
}

void check(int ok) {
  if (ok != 1) throw Error(ErrorCode::internal, "sha256 failed in libcrypto");
}

}  // namespace

std::optional<Digest> Digest::parse(std::string_view text) {
  if (!text.starts_with(prefix)) return std::nullopt;
  text.remove_prefix(prefix.size());
  const bool upper = std::any_of(text.begin(), text.end(), [](char c) { return c >= 'A' && c <= 'F'; });
  if (upper) return std::nullopt;
  return from_hex(text);
}

std::optional<Digest> Digest::from_hex(std::string_view hex) {
  Bytes bytes{};
  if (hex.size() != bytes.size() * 2) return std::nullopt;
  for (size_t i = 0; i < bytes.size(); ++i) {
    const int high = nibble(hex[2 * i]);
    const int low = nibble(hex[2 * i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    bytes[i] = static_cast<unsigned char>(high * 16 + low);
  }
  return Digest(bytes);
}

std::string Digest::str() const {
  return std::string(prefix) + hex();
}

std::string Digest::hex() const {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string out;
  out.reserve(bytes_.size() * 2);
  for (const unsigned char b : bytes_) {
    out += digits[b >> 4U];
    out += digits[b & 15U];
  }
  return out;
}

struct Sha256::Impl {
  EVP_MD_CTX* ctx = EVP_MD_CTX_new();
  Impl() { check(EVP_DigestInit_ex2(ctx, algorithm(), nullptr)); }
  ~Impl() { EVP_MD_CTX_free(ctx); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
};

Sha256::Sha256() : impl_(std::make_unique<Impl>()) {}
Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

void Sha256::update(std::string_view data) {
  check(EVP_DigestUpdate(impl_->ctx, data.data(), data.size()));
}

Digest Sha256::finish() {
  Digest::Bytes bytes{};
  check(EVP_DigestFinal_ex(impl_->ctx, bytes.data(), nullptr));
  check(EVP_DigestInit_ex2(impl_->ctx, algorithm(), nullptr));
  return Digest(bytes);
}

Digest sha256(std::string_view data) {
  Sha256 hasher;
  hasher.update(data);
  return hasher.finish();
}

}  // namespace mlship
