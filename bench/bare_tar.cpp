// bare_tar STEP FOLDER TAR: the least that a tar of a folder with its sha256 can cost, for comparison, up to
// STEP: `list` the files in order with their sizes, `read` each, `hash` them as one ustar stream, `write`
// that to TAR. Prints the digest and the number of bytes.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>

namespace {

constexpr size_t block = 512;
constexpr size_t buffer_size = 1U << 20U;

class Stream {
 public:
  Stream(bool hash, const char* tar) : ctx_(hash ? EVP_MD_CTX_new() : nullptr) {
    if (hash) EVP_DigestInit_ex(ctx_, EVP_sha256(), nullptr);
    if (tar != nullptr) out_ = std::fopen(tar, "wb");
    if (out_ != nullptr) std::setvbuf(out_, nullptr, _IOFBF, buffer_size);
  }
  ~Stream() {
    EVP_MD_CTX_free(ctx_);
    if (out_ != nullptr) std::fclose(out_);
  }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  void write(const char* data, size_t size) {
    if (ctx_ != nullptr) EVP_DigestUpdate(ctx_, data, size);
    if (out_ != nullptr) std::fwrite(data, 1, size, out_);
    size_ += size;
  }
  void finish() {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned length = 0;
    if (ctx_ != nullptr) EVP_DigestFinal_ex(ctx_, digest.data(), &length);
    for (unsigned i = 0; i < length; ++i) std::printf("%02x", digest.at(i));
    std::printf(" %llu\n", static_cast<unsigned long long>(size_));
  }

 private:
  EVP_MD_CTX* ctx_;
  std::FILE* out_ = nullptr;
  std::uint64_t size_ = 0;
};

std::array<char, block> header(const std::string& path, std::uint64_t size) {
  std::array<char, block> out{};
  const size_t slash = path.size() <= 100 ? std::string::npos : path.find('/', path.size() - 101);
  const std::string name = slash == std::string::npos ? path : path.substr(slash + 1);
  std::memcpy(out.data(), name.data(), std::min<size_t>(name.size(), 100));
  if (slash != std::string::npos) std::memcpy(out.data() + 345, path.data(), std::min<size_t>(slash, 155));
  std::snprintf(out.data() + 100, 8, "0000644");
  std::snprintf(out.data() + 124, 12, "%011llo", static_cast<unsigned long long>(size));
  std::memcpy(out.data() + 148, "        ", 8);
  out[156] = '0';
  std::memcpy(out.data() + 257, "ustar\00000", 8);
  unsigned sum = 0;
  for (const char c : out) sum += static_cast<unsigned char>(c);
  std::snprintf(out.data() + 148, 8, "%06o", sum);
  return out;
}

bool add(const std::string& root, const std::string& path, std::vector<char>& buffer, Stream& out) {
  const int fd = ::open((root + "/" + path).c_str(), O_RDONLY | O_CLOEXEC);
  struct stat s{};
  if (fd < 0 || ::fstat(fd, &s) != 0) return false;
  const auto size = static_cast<std::uint64_t>(s.st_size);
  const auto head = header(path, size);
  out.write(head.data(), head.size());
  for (std::uint64_t left = size; left > 0;) {
    const ssize_t n = ::read(fd, buffer.data(), buffer.size());
    if (n <= 0) return false;
    out.write(buffer.data(), static_cast<size_t>(n));
    left -= static_cast<std::uint64_t>(n);
  }
  ::close(fd);
  constexpr std::array<char, block> zeros{};
  if (size % block != 0) out.write(zeros.data(), block - size % block);
  return true;
}

int list(const std::string& root, const std::vector<std::string>& paths) {
  std::uint64_t bytes = 0;
  for (const auto& path : paths) {
    struct stat s{};
    if (::stat((root + "/" + path).c_str(), &s) != 0) return 1;
    bytes += static_cast<std::uint64_t>(s.st_size);
  }
  std::printf("%llu\n", static_cast<unsigned long long>(bytes));
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  const std::string_view step = argv[1];
  const std::string root = argv[2];
  std::vector<std::string> paths;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(root)) {
    if (entry.is_regular_file()) paths.push_back(entry.path().string().substr(root.size() + 1));
  }
  std::sort(paths.begin(), paths.end());
  std::vector<char> buffer(buffer_size);
  const bool write = step == "write";
  Stream out(write || step == "hash", write ? argv[3] : nullptr);
  if (step == "list") return list(root, paths);
  for (const auto& path : paths) {
    if (!add(root, path, buffer, out)) return 1;
  }
  const std::array<char, 2 * block> trailer{};
  out.write(trailer.data(), trailer.size());
  out.finish();
  return 0;
}
