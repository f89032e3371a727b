// Package names and near misses.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace mlship {

// PEP 503 §Normalized Names: lower case, every run of `-`, `_`, `.` one `-`. The identity of a package
// everywhere.
std::string normalize_name(std::string_view name);
// PEP 508 §Names, at most 128 characters, so that the normal form is also an OCI repository component.
bool valid_name(std::string_view name);

// The candidate nearest to `word` by edit distance (insert, delete, replace, swap neighbours), at most 2 away
// and less than the word's own length; for "did you mean".
std::optional<std::string> closest(std::string_view word, std::span<const std::string> candidates);
// " (did you mean 'x'?)" or "".
std::string did_you_mean(std::string_view word, std::span<const std::string> candidates);

// Shell-style glob over a whole string: `*` (within a path segment), `**` (across), `?`, `[a-z]`, `[!a-z]`;
// a backslash before one of `*?[]\` takes its meaning away.
bool glob_match(std::string_view pattern, std::string_view text);
// The same over a name that people gave, in which a slash is a character like others ("ETL / churn") and
// which always matches itself ("[dev ada] churn").
bool name_match(std::string_view pattern, std::string_view name);

}  // namespace mlship
