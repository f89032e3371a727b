#include "cli/completion.h"

#include <array>

namespace mlship {
namespace {

constexpr auto shells = std::to_array<CompletionShell>({
    {"bash", bash_completion},
    {"zsh", zsh_completion},
    {"fish", fish_completion},
});

}  // namespace

std::span<const CompletionShell> completion_shells() {
  return shells;
}

std::string_view table_of(ValueKind kind) {
  switch (kind) {
    case ValueKind::environment: return "environments";
    case ValueKind::registry: return "registries";
    case ValueKind::target: return "targets";
    default: return "";
  }
}

}  // namespace mlship
