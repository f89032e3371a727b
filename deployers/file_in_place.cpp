// Editing a file that cannot be exchanged for another because it is a mount point. An edit that comes between
// reading and writing is lost, so it is done only where a person asked for it. The journal, "<length of the
// old text>\n", then the old and the new one, makes a cut-short edit recognisable: every byte is of the one
// or the other.
#include <algorithm>
#include <charconv>

#include "core/error.h"
#include "deployers/file_exchange.h"

namespace mlship {
namespace {

using Kind = SwapResult::Kind;

struct Texts {
  std::string before, after;
};

std::string journal_of(const Texts& texts) {
  return std::to_string(texts.before.size()) + "\n" + texts.before + texts.after;
}

// nullopt when the journal itself was cut short: then nothing was edited yet.
std::optional<Texts> read_journal(const std::string& text) {
  size_t size = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), size);
  const auto head = static_cast<size_t>(end - text.data()) + 1;
  if (failed != std::errc() || head > text.size() || *end != '\n' || size > text.size() - head)
    return std::nullopt;
  return Texts{text.substr(head, size), text.substr(head + size)};
}

bool cut_short(const std::string& live, const Texts& texts) {
  const auto [least, most] = std::minmax({texts.before.size(), texts.after.size()});
  if (live.size() < least || live.size() > most) return false;
  for (size_t i = 0; i < live.size(); ++i) {
    const bool old = i < texts.before.size() && live[i] == texts.before[i];
    const bool fresh = i < texts.after.size() && live[i] == texts.after[i];
    if (!old && !fresh) return false;
  }
  return true;
}

// Under its name once it is complete.
void write_journal(const SwapPlace& place, const Swap& swap, const std::string& name) {
  const std::string part = place.names.part(swap.tag);
  place.folder.remove(part);
  const auto journal = place.folder.create(part, place.file);
  journal.write(journal_of({swap.expected, swap.replacement}));
  journal.sync();
  place.folder.rename(part, name);
  place.folder.sync();
}

}  // namespace

SwapResult edit_in_place(const SwapPlace& place, const Swap& swap) {
  const std::string journal = place.names.journal(swap.tag);
  if (place.folder.open(journal)) recover_in_place(place, journal);
  const auto file = place.folder.open(place.name, fs::OpenFolder::Use::edit);
  if (!file) return {Kind::conflict, "the file is gone"};
  if (file->read() != swap.expected)
    return {Kind::conflict, "somebody else changed the file after it was read"};
  try {
    write_journal(place, swap, journal);
  } catch (const Error& e) {
    return {Kind::refused, "it is a mount point, and a copy cannot be kept beside it: " + e.message()};
  }
  try {
    file->write(swap.replacement);
    file->sync();
  } catch (const Error& e) {
    recover_in_place(place, journal);
    place.folder.remove(journal);
    return {Kind::failed, e.message()};
  }
  place.folder.remove(journal);
  return {Kind::swapped, "edited in place: it is a mount point"};
}

void recover_in_place(const SwapPlace& place, const std::string& journal) {
  const auto copy = snapshot(place.folder, journal);
  const auto texts = copy ? read_journal(copy->bytes) : std::nullopt;
  const auto file = texts ? place.folder.open(place.name, fs::OpenFolder::Use::edit) : std::nullopt;
  if (!file) return;
  const std::string live = file->read();
  if (live == texts->after || live == texts->before || !cut_short(live, *texts)) return;
  file->write(texts->before);
  file->sync();
}

}  // namespace mlship
