// Several operations of one file on their way to one write: which of them fit what the file says, and its new
// text.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "deployers/file_view.h"

namespace mlship {

class FileBatch {
 public:
  // `sendings`: at least one, of one file; they outlive the batch.
  explicit FileBatch(std::span<const Sending> sendings);

  [[nodiscard]] std::string file() const;  // "" when no operation has a record that can be read
  [[nodiscard]] Scheme scheme() const { return scheme_; }
  // Of an operation that is left.
  [[nodiscard]] const std::string& tag() const;
  [[nodiscard]] bool done() const { return open_.empty(); }

  // How a text that is read says an operation stands.
  using Look = std::function<FileView(const FileLocator&, const std::vector<Change>&)>;
  // Compares what is left with the file's text; what does not hold its old texts has its result with that.
  void look(const Look& look);
  // The text with what is left. `reread` reads a text and hands over how operations stand in it: what would
  // not be read as its new reference is refused.
  using Reread = std::function<void(const std::string& text, const std::function<void(const Look&)>& use)>;
  std::string edited(const std::string& text, const Reread& reread);
  // The same without what the system would not take; `refusal` says why it would not take a text, "": it
  // does.
  std::string accepted(const std::string& text, std::string edited,
                       const std::function<std::string(const std::string&)>& refusal);

  // The result of everything that is left.
  void end(ApplyResult::Kind kind, const std::string& detail, const std::string& pending = "");
  std::vector<ApplyResult> take() { return std::move(results_); }

 private:
  struct Member {
    const Sending* sending = nullptr;
    std::optional<FileLocator> locator;
    std::vector<Edit> edits;  // as of the last look
    nlohmann::json then;      // where it stands after the write
  };
  using Members = std::vector<size_t>;

  void give(size_t member, ApplyResult result);
  void drop_closed();
  [[nodiscard]] std::string with(const std::string& text, const Members& members) const;
  void narrow(const std::string& text, const Members& some, Members& taken,
              const std::function<std::string(const std::string&)>& refusal);

  std::vector<Member> members_;
  std::vector<ApplyResult> results_;
  std::vector<bool> closed_;
  Members open_;
  Scheme scheme_ = Scheme::pep440;
};

}  // namespace mlship
