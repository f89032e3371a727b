// Git repositories as a store shared by machines: objects in a local bare repository (never a working tree),
// and compare-and-swap of references on a server. Over libgit2, with transports of our own: HTTP through
// core/host/http.h (its proxies, CA settings, timeouts and errors), ssh and local folders through the
// programs that git itself runs. The adapter of source trees is packager/git_tree.cpp.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/host/fs.h"
#include "core/host/host.h"

namespace mlship {

struct GitEntry {
  enum class Kind { file, folder, other };  // other: a link or a submodule
  std::string name;
  Kind kind = Kind::other;
  std::string id;  // hex
};

struct GitFile {
  std::string path, content;
};

struct GitAuthor {
  std::string name, email;
  std::int64_t when = 0;  // seconds since the epoch
};

// A bare repository on this machine. Commits are named by their hex id. One thread at a time; several
// processes and several GitRepository may use one folder. Error(io) names the folder when it is damaged.
class GitRepository {
 public:
  // Made when absent; what is written is fsynced.
  explicit GitRepository(const Path& folder);
  ~GitRepository();
  GitRepository(const GitRepository&) = delete;
  GitRepository& operator=(const GitRepository&) = delete;

  [[nodiscard]] bool has(const std::string& commit) const;
  [[nodiscard]] bool descends(const std::string& commit, const std::string& ancestor) const;
  [[nodiscard]] std::optional<GitEntry> look(const std::string& commit, const std::string& path) const;
  // In bytewise order; empty when there is no such folder.
  [[nodiscard]] std::vector<GitEntry> list(const std::string& commit, const std::string& folder) const;
  [[nodiscard]] std::uint64_t size(const std::string& blob) const;  // bytes, without reading them
  [[nodiscard]] std::string read(const std::string& blob) const;
  // The parent's tree ("": an empty one) with these files put into it. Changes no reference.
  std::string commit(const std::string& parent, const std::vector<GitFile>& files, const GitAuthor& author,
                     const std::string& message);
  // A local reference, "" when there is none: what was seen last of a remote one.
  [[nodiscard]] std::string remembered(const std::string& reference) const;
  void remember(const std::string& reference, const std::string& commit);

  struct State;
  [[nodiscard]] State& state() const { return *state_; }

 private:
  std::unique_ptr<State> state_;
};

using GitRefs = std::map<std::string, std::string>;  // "refs/heads/main" -> commit

struct GitPush {
  // A reference was not where it was expected: nothing was sent.
  bool moved = false;
  GitRefs refs;                                // what the server had before
  std::set<std::string> updated;               // references that are as asked now
  std::map<std::string, std::string> refused;  // the others, with the server's status
  std::string words;                           // what its hooks said, "" when nothing
};

// A repository somewhere else. Errors: unauthorized, forbidden, not_found, network, tls, server_error …
class GitRemote {
 public:
  // url: https://, http:// (loopback only), ssh://, file://. `repository` and what `host` refers to outlive
  // it.
  GitRemote(GitRepository& repository, std::string url, const Host& host);
  ~GitRemote();
  GitRemote(const GitRemote&) = delete;
  GitRemote& operator=(const GitRemote&) = delete;

  // All its references; the objects of those in `wanted` are in the local repository afterwards.
  GitRefs fetch(const std::set<std::string>& wanted);
  // Moves or creates references, fast-forward only, when every one of `expected` is at that commit ("":
  // absent) as the server tells on the same connection; the server refuses what was moved after that.
  GitPush push(const GitRefs& updates, const GitRefs& expected);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace mlship
