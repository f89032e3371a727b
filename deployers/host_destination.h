// Where references in files of this host move to, and the carriers they need: the host rows of the table in
// rollout.md.
#pragma once

#include <string>
#include <string_view>

#include "core/release.h"
#include "deployers/target.h"

namespace mlship {

// What a target's section says about places; folders absolute, without a `/` at the end, "" when not set.
struct HostPlaces {
  std::string target;  // its name, for hints
  std::string install_root, library_path;
  std::string index_name, index_url;
  bool trust_pins = false;
};

HostPlaces host_places(const TargetSection& section, const Project& project);

Destination host_destination(const HostPlaces& places, const FoundReference& found, const Release& release,
                             ReleaseSource& source);

// The folder on this host that a reference's folder text means; "" when it means no such thing. `file://` is
// RFC 8089's way to write one.
std::string host_folder(std::string_view folder);

// Of a regular file; nullopt when nothing of that kind is there.
std::optional<Digest> digest_at(const Path& path);

// As Target::old_place_ok.
bool host_place_exists(const HostPlaces& places, const std::string& text);

// As Target::own_places.
std::vector<Destination> host_own_places(const HostPlaces& places, const Release& release);

// As Target::missing. `own_only`: paths elsewhere than in install-root and library-path may be those of
// another machine.
std::string host_missing(const HostPlaces& places, const Reference& reference, bool own_only);

// As Target::place and Target::carrier_ok, for "tree:…" under install-root and "file:…" in library-path.
bool place_host_carrier(const HostPlaces& places, const Carrier& carrier, const Release& release,
                        ReleaseSource& source, const std::string& tag);
bool host_carrier_ok(const Carrier& carrier, const Release& release, ReleaseSource& source);

}  // namespace mlship
