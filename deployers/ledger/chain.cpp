#include "deployers/ledger/chain.h"

#include <optional>

#include "core/json_library.h"

namespace mlship {
namespace {

std::optional<Json> parse_line(std::string_view line) {
  try {
    Json json = parse_json(line, ErrorCode::ledger, "a line of the ledger");
    if (json.is_object()) return json;
  } catch (const Error&) {
  }
  return std::nullopt;
}

[[noreturn]] void broken(const std::string& what, size_t line, const std::string& cause) {
  throw Error(ErrorCode::ledger, "cannot use " + what + ":" + std::to_string(line) + ": " + cause)
      .hint("restore the file from a backup, or move its folder away");
}

}  // namespace

std::string chain_line(Json entry, ChainTail& tail) {
  entry[prev_key] = tail.prev;
  std::string line = canonical_json(entry);
  tail.prev = sha256(line).hex();
  line += '\n';
  tail.size += line.size();
  ++tail.lines;
  return line;
}

Chain read_chain(std::string_view text, const std::string& seed, const std::string& what) {
  Chain chain;
  chain.tail.prev = seed;
  while (chain.tail.size < text.size()) {
    const std::string_view rest = text.substr(chain.tail.size);
    const auto end = rest.find('\n');
    const bool last = end == std::string_view::npos || end + 1 == rest.size();
    const std::string_view line = rest.substr(0, end);
    auto entry = end == std::string_view::npos ? std::nullopt : parse_line(line);
    if (!entry) {
      // A power cut may leave a line whose length is on disk and whose bytes are not.
      if (!last) broken(what, chain.tail.lines + 1, "it is not a JSON object");
      chain.torn = true;
      return chain;
    }
    if (entry->value(prev_key, Json()) != chain.tail.prev) {
      broken(what, chain.tail.lines + 1, "it does not follow from the line before it");
    }
    chain.entries.add_line(line);
    chain.tail.prev = sha256(line).hex();
    chain.hashes.push_back(chain.tail.prev);
    chain.tail.size += line.size() + 1;
    ++chain.tail.lines;
  }
  return chain;
}

}  // namespace mlship
