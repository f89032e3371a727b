// Whether a bundle can run on this machine.
#pragma once

#include "packager/bundle.h"

namespace mlship {

struct Machine {
  std::string name;     // uname -m: "x86_64"
  int glibc_major = 0;  // 0: musl
  int glibc_minor = 0;
};
Machine this_machine();

// True when `platform` is of the machine's system, libc and architecture, and every wheel it takes runs
// there: no manylinux tag of the wheel asks for a newer glibc (PEP 600).
bool fits(const BundleInfo& info, const Platform& platform, const Machine& machine);
// The first platform of the bundle that fits; nullptr when none does.
const Platform* fitting_platform(const BundleInfo& info, const Machine& machine);

}  // namespace mlship
