// Which workspace, and as whom: the conventions of Databricks' own tools. Nothing of it is ever in a project
// file but the host and the profile's name.
#pragma once

#include <string>

#include "core/host/env.h"
#include "core/project.h"
#include "core/secret.h"

namespace mlship::databricks {

struct Login {
  std::string host;  // "https://adb-1.2.azuredatabricks.net", without a `/` at the end
  Secret token;      // a personal access token; empty with OAuth
  std::string client_id;
  Secret client_secret;  // OAuth machine to machine
  std::string origin;    // "DATABRICKS_TOKEN", "profile 'prod' of ~/.databrickscfg", for people
  std::string remedy;    // what to do when the workspace does not accept them: a hint
};

// `host` and `profile` of the target; else DATABRICKS_HOST and DATABRICKS_TOKEN or DATABRICKS_CLIENT_ID and
// _SECRET; else the profile DATABRICKS_CONFIG_PROFILE, DEFAULT, `default_profile` of [__settings__] or the
// only one of DATABRICKS_CONFIG_FILE (~/.databrickscfg) that has the target's host and credentials that can
// be used. Credentials of the environment go to the environment's host only. Error(project_file) without a
// host, Error(unauthorized) without credentials for it, or with those of several profiles.
Login find_login(const TargetSection& section, const Env& env);

}  // namespace mlship::databricks
