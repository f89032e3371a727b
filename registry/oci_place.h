// oci://HOST[:PORT][/NAMESPACE]: where a registry is, and how it is reached.
#pragma once

#include <string>

#include "registry/registry.h"

namespace mlship {

struct OciPlace {
  std::string shown;   // "oci://registry.example.com/ml"
  std::string host;    // under which docker keeps the credentials: "registry.example.com:5000"
  std::string base;    // "https://registry.example.com:5000", no slash at the end
  std::string origin;  // of base, as UrlParts::origin() writes it
  std::string name;    // the host without its port, lower case
  std::string prefix;  // of repositories: "ml/", "" without a namespace
  bool tls = true;
  bool loopback = false;
};

// Throws Error(project_file) for anything that names no registry.
OciPlace read_oci_place(const RegistryOptions& options);

}  // namespace mlship
