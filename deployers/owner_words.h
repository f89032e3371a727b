// What sentences in comments say of who writes a file: the words that Puppet, Ansible, Chef, Salt, Whenever,
// Terraform, cloud-init, Nix and generators of code use, and not those of people about people.
#pragma once

#include <string>
#include <string_view>

namespace mlship::owner_words {

// "DO NOT EDIT", "please don't modify this file by hand"; not "do not edit without asking".
bool forbids_edits(std::string_view line);
// Whether the line says that a program writes the file. `forbidden`: its head forbids edits.
bool says_owned(std::string_view line, bool forbidden);
// "BEGIN ANSIBLE MANAGED BLOCK", "Begin Whenever generated tasks for: x", "start managed zone", "Lines below
// here are managed by Salt".
bool begins_block(std::string_view line);
bool ends_block(std::string_view line);
// The file that the line names as what to change instead; "" when it names none.
std::string source_in(std::string_view line);

}  // namespace mlship::owner_words
