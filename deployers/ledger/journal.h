// What a run wrote to a shared ledger and has not pushed yet, fsynced on this machine: the very lines, so
// that they are taken up again after a crash only where they still follow what the ledger has.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/host/fs.h"
#include "deployers/ledger/chain.h"

namespace mlship {

class Journal {
 public:
  // Of one rollout, for one run; the file appears with the first line. Locked as long as the run lives.
  Journal(Path folder, std::string rollout);
  ~Journal();
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  void add(std::string_view lines);  // durable when it returns
  void cut(std::uint64_t size);      // back to that many bytes
  void clear();                      // pushed
  [[nodiscard]] std::uint64_t size() const { return size_; }

  // A journal of this rollout is in the folder: adopt() may find something.
  static bool left_behind(const Path& folder, const std::string& rollout);
  // The entries that dead runs left of this rollout and that follow `tail`; they are in this journal then,
  // and their files are gone. What does not follow is thrown away: somebody else went on meanwhile.
  std::vector<Json> adopt(const ChainTail& tail);

 private:
  Path folder_, file_;
  std::string rollout_;
  std::optional<fs::Lock> lock_;
  std::uint64_t size_ = 0;  // bytes
};

}  // namespace mlship
