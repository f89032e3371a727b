// The jobs, pipelines, cluster policies and interactive clusters of a Databricks workspace.
#include <array>

#include "deployers/databricks/target.h"

namespace mlship {
namespace {

using Type = KeySpec::Type;
constexpr auto settings = std::to_array<KeySpec>({
    {"host", Type::string, "the workspace's address", "DATABRICKS_HOST, or the profile's"},
    {"profile", Type::string, "the profile of ~/.databrickscfg", "DATABRICKS_CONFIG_PROFILE, or the host's"},
    {"library-path", Type::string,
     "folder for published files: /Volumes/…, /Workspace/… or dbfs:/…; file references move only with it",
     ""},
    {"clusters", Type::boolean, "change the libraries of interactive clusters too", "false"},
    {"restart-clusters", Type::boolean,
     "restart a changed cluster, so that it lets go of the old library, where no run uses it", "false"},
});

}  // namespace

extern const TargetFactory databricks_factory{
    "databricks", "jobs, pipelines, policies and clusters of a Databricks workspace", settings,
    "[targets.dbx]\n"
    "kind = \"databricks\"\n"
    "host = \"https://adb-1234567890123456.7.azuredatabricks.net\"\n"
    "library-path = \"/Volumes/main/ml/libs\"\n",
    databricks::make_workspace};

}  // namespace mlship
