// The form of the ledger that all stores share: which texts there are, what stands in them (docs/ledger.md).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/host/fs.h"
#include "deployers/ledger/chain.h"
#include "deployers/ledger/ledger.h"

namespace mlship {

// Bytes of one text, of which plan and entries of 100,000 operations are a fraction. What a reader refuses a
// writer does not write.
constexpr std::uint64_t largest_ledger_text = 1U << 30U;
void check_ledger_size(std::uint64_t size, const std::string& what);  // Error(ledger)
// A text of a rollout, never waited for. Error(ledger) for what is not there, not readable, no file or too
// large.
std::string read_ledger_file(const Path& path);

std::string format_text();
// Error(ledger) when the text of format.json names another version than this program's, or is damaged: `why`,
// "" when it could be read; `mend` is what to do then.
void check_format(std::string_view text, const std::string& ledger, const std::string& why,
                  const std::string& mend);

// Letters, digits, '-' and '_': no path leads out of a ledger, nothing in it reaches a terminal unseen.
bool valid_rollout_id(std::string_view name);
[[noreturn]] void no_such_rollout(const std::string& id, Ledger& ledger);

// rollouts/<id>/entries.jsonl begins with it.
Json begin_entry(const RolloutRecord& record, Ledger& ledger);
std::string seed_of(std::string_view plan);  // what the first entry's "prev" holds
// To the newest rollout as it is now; one that cannot be read does not block the next.
ChainLink newest_link(Ledger& ledger);
// `what` names the entries in messages.
RolloutRecord parse_rollout(const std::string& id, std::string plan, std::string_view entries,
                            const std::string& what);

Json hold_entry(const Hold& hold);
// The holds that stand. Error(ledger).
std::vector<Hold> parse_holds(std::string_view text, const std::string& what);
// What releases those of this version. Error(not_found) when there is none.
std::vector<Json> release_entries(const std::vector<Hold>& held, const std::string& package,
                                  const Version& version, const std::string& who);

// Appends with one write and fsync after the first `whole` bytes, cutting what stands there; on failure the
// file is as it was, as far as the system allows. Made (0600) when absent.
void append_durable(const Path& file, std::string_view text, std::uint64_t whole);

}  // namespace mlship
