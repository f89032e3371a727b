#include "tests/support/databricks/generator.h"

#include <algorithm>
#include <array>

#include "tests/support/databricks/generator_text.h"
#include "tests/support/databricks/path.h"

namespace mlship::testing::dbx {
namespace {

enum class Owner { nobody, bundle, system };

// Writes texts into one object and what is expected of them into the result.
class Author {
 public:
  Author(Generated& out, const GenerateOptions& options, Draw& random, std::string object)
      : texts(options, random), draw(random), out_(out), object_(std::move(object)) {}

  // The string for the place `path`, its references noted.
  Json put(const std::string& path, const Text& text) {
    std::string before, after;
    for (const auto& piece : text) {
      before += piece.text;
      after += piece.to.empty() || !moves() ? piece.text : piece.to;
    }
    int number = 0;
    for (const auto& piece : text) {
      if (!piece.file.empty() && !piece.file.starts_with("s3:"))
        out_.state.put_file(piece.file, piece.content.empty() ? "old " + piece.file : piece.content, old);
      if (!piece.ours) continue;
      ++number;
      note(number == 1 ? path : path + "#" + std::to_string(number), piece, before, after);
    }
    return before;
  }

  Texts texts;
  Draw& draw;
  Owner owner = Owner::nobody;
  bool hidden = false, view_only = false;
  bool policy_defaults = false;  // of the task that is being written
  // Owned jobs and those that somebody may not edit hold what would move and nothing else.
  [[nodiscard]] bool movable() const { return owner != Owner::nobody || hidden || view_only; }

  static constexpr std::int64_t old = 1'700'000'000'000;

 private:
  [[nodiscard]] bool moves() const { return owner == Owner::nobody && !hidden; }

  void note(const std::string& path, const Piece& piece, const std::string& before,
            const std::string& after) {
    if (hidden) return;
    if (!piece.reason.empty()) {
      out_.skipped.push_back({object_, path, piece.reason});
    } else if (owner != Owner::nobody) {
      out_.skipped.push_back({object_, path, "foreign-owner"});
    } else {
      out_.changes.push_back(
          {object_, path, piece.text, piece.to, before, after, view_only, policy_defaults});
    }
  }

  Generated& out_;
  std::string object_;
};

// One library of a task, cluster, policy or pipeline, below `path`, which ends in `libraries[I]/`.
Json library(Author& author, const std::string& path) {
  const bool movable = author.movable();
  Texts& texts = author.texts;
  switch (author.draw.below(movable ? 3 : 8)) {
    case 3: return {{"egg", author.put(path + "egg", texts.egg(false))}};
    case 4: return {{"jar", author.put(path + "jar", texts.jar(false))}};
    case 5: return {{"pypi", {{"package", author.put(path + "pypi/package", texts.pin(false))}}}};
    case 6:
      return {{"maven", {{"coordinates", author.put(path + "maven/coordinates", texts.coordinates(false))}}}};
    case 7: return {{"requirements", author.put(path + "requirements", texts.requirements())}};
    default: return {{"whl", author.put(path + "whl", texts.wheel(movable))}};
  }
}

Json lookalike(Author& author) {
  if (author.draw.chance(0.5)) return {{"whl", author.put("", author.texts.other_wheel())}};
  return {{"pypi", {{"package", author.put("", author.texts.other_pin())}}}};
}

// Up to three libraries, one at least a reference of the package.
Json libraries(Author& author, const std::string& above) {
  Json list = Json::array();
  if (author.draw.chance(0.5)) list.push_back({{"pypi", {{"package", "requests==2.31.0"}}}});
  if (author.draw.chance(0.3)) list.push_back(lookalike(author));
  const int ours = author.draw.chance(0.2) ? 2 : 1;
  for (int i = 0; i < ours; ++i) {
    list.push_back(library(author, above + "libraries[" + std::to_string(list.size()) + "]/"));
  }
  return list;
}

// A cluster's specification with init scripts, below `above`, which ends in `/`.
Json new_cluster(Author& author, const std::string& above) {
  const std::string path = above + "init_scripts[0]/workspace/destination";
  return {
      {"spark_version", "14.3.x-scala2.12"},
      {"node_type_id", "i3.xlarge"},
      {"num_workers", 2},
      {"init_scripts", {{{"workspace", {{"destination", author.put(path, author.texts.init_script())}}}}}}};
}

class Job {
 public:
  Job(Author& author, std::int64_t id, const GenerateOptions& options) : author_(author), options_(options) {
    settings_ = {
        {"name", "job " + std::to_string(id)}, {"tasks", Json::array()}, {"tags", {{"team", "growth"}}}};
    if (author.draw.chance(0.5))
      settings_["schedule"] = {{"quartz_cron_expression", "0 0 3 * * ?"}, {"timezone_id", "UTC"}};
  }

  Json finish(bool names_it) {
    if (options_.simple) {
      task("main", names_it ? &Job::simple_task : &Job::other_task);
      return settings_;
    }
    if (!names_it) {
      others(1 + author_.draw.below(2));
      return settings_;
    }
    const bool many = !author_.movable() && author_.draw.chance(0.02);
    if (many) others(105 + author_.draw.below(60));
    const int tasks = 1 + author_.draw.below(3);
    for (int i = 0; i < tasks; ++i) recipe("step_" + std::to_string(i));
    if (author_.draw.chance(0.3)) others(1);
    if (settings_["tasks"].size() > 2) {
      settings_["tasks"].back()["depends_on"] = {{{"task_key", settings_["tasks"][1]["task_key"]}},
                                                 {{"task_key", settings_["tasks"][0]["task_key"]}}};
    }
    own();
    return settings_;
  }

 private:
  using Filler = void (Job::*)(Json& task, const std::string& path);

  void task(const std::string& key, Filler fill) {
    Json task{{"task_key", key}};
    (this->*fill)(task, "tasks[key=" + key + "]/");
    settings_["tasks"].push_back(std::move(task));
    author_.policy_defaults = false;
  }
  void others(int count) {
    for (int i = 0; i < count; ++i)
      task("other_" + std::to_string(settings_["tasks"].size()), &Job::other_task);
  }

  void recipe(const std::string& key) {
    static constexpr auto all = std::to_array<Filler>(
        {&Job::library_task, &Job::library_task, &Job::loop_task, &Job::environment_task, &Job::submit_task,
         &Job::jar_task, &Job::policy_task, &Job::shared_cluster_task});
    // The last three may come out as something that stays.
    task(key,
         all[static_cast<size_t>(author_.draw.below(author_.movable() ? 5 : static_cast<int>(all.size())))]);
  }

  void simple_task(Json& task, const std::string& path) {
    task["notebook_task"] = {{"notebook_path", "/Workspace/Shared/score"}};
    task["libraries"] = {{{"whl", author_.put(path + "libraries[0]/whl", author_.texts.wheel(true))}}};
  }
  void other_task(Json& task, const std::string&) {
    task["notebook_task"] = {{"notebook_path", "/Workspace/Shared/other"}};
    if (!options_.simple && author_.draw.chance(0.5)) task["libraries"] = Json::array({lookalike(author_)});
  }
  void library_task(Json& task, const std::string& path) {
    Piece parameter;
    parameter.text = "/Volumes/main/ml/libs/" + file_module() + "-1.0.9-py3-none-any.whl";
    parameter.ours = true;
    parameter.reason = "opaque";
    task["spark_python_task"] = {
        {"python_file", "/Workspace/Shared/run.py"},
        {"parameters", {"--wheel", author_.put(path + "spark_python_task/parameters[1]", {parameter})}}};
    task["existing_cluster_id"] = "c-0";
    task["libraries"] = libraries(author_, path);
  }
  void loop_task(Json& task, const std::string& path) {
    Json inner{{"task_key", task["task_key"].get<std::string>() + "_iteration"},
               {"notebook_task", {{"notebook_path", "/Workspace/Shared/loop"}}}};
    inner["libraries"] = libraries(author_, path + "for_each_task/task/");
    task["for_each_task"] = {{"inputs", "[1,2,3]"}, {"concurrency", 2}, {"task", std::move(inner)}};
  }
  void environment_task(Json& task, const std::string&) {
    const std::string key = "env_" + std::to_string(settings_.value("environments", Json::array()).size());
    const std::string path = "environments[key=" + key + "]/spec/";
    const bool movable = author_.movable();
    Json spec{{"environment_version", "2"}, {"dependencies", {"requests==2.31.0"}}};
    const int lines = 1 + author_.draw.below(3);
    for (int i = 1; i <= lines; ++i) {
      spec["dependencies"].push_back(
          author_.put(path + "dependencies[" + std::to_string(i) + "]", author_.texts.line(movable)));
    }
    if (!movable && author_.draw.chance(0.3)) {
      spec["java_dependencies"] =
          Json::array({author_.put(path + "java_dependencies[0]", author_.texts.jar(false))});
    }
    if (!movable && author_.draw.chance(0.2)) {
      spec.erase("environment_version");
      spec["base_environment"] = author_.put(path + "base_environment", author_.texts.base_environment());
    }
    settings_["environments"].push_back({{"environment_key", key}, {"spec", std::move(spec)}});
    task["environment_key"] = key;
    task["python_wheel_task"] = {{"package_name", options_.package}, {"entry_point", "score"}};
  }
  void submit_task(Json& task, const std::string& path) {
    const std::string place = path + "spark_submit_task/parameters";
    Json parameters{"--class", "com.acme.Main", "--py-files"};
    parameters.push_back(author_.put(place + "[3]", author_.texts.list(author_.movable())));
    if (!author_.movable() && author_.draw.chance(0.5)) {
      parameters.push_back("--packages");
      parameters.push_back(author_.put(place + "[5]", author_.texts.coordinates(false)));
    }
    task["spark_submit_task"] = {{"parameters", std::move(parameters)}};
    task["new_cluster"] = {{"spark_version", "13.3.x-scala2.12"}, {"num_workers", 1}};
  }
  void jar_task(Json& task, const std::string& path) {
    task["spark_jar_task"] = {
        {"main_class_name", "com.acme.Main"},
        {"jar_uri", author_.put(path + "spark_jar_task/jar_uri", author_.texts.jar(false))}};
    task["new_cluster"] = new_cluster(author_, path + "new_cluster/");
  }
  void policy_task(Json& task, const std::string& path) {
    author_.policy_defaults = true;
    task["new_cluster"] = {
        {"policy_id", "policy-default"}, {"apply_policy_default_values", true}, {"num_workers", 1}};
    task["notebook_task"] = {{"notebook_path", "/Workspace/Shared/policy"}};
    task["libraries"] = libraries(author_, path);
  }
  void shared_cluster_task(Json& task, const std::string& path) {
    if (!settings_.contains("job_clusters")) {
      settings_["job_clusters"] = {
          {{"job_cluster_key", "main"},
           {"new_cluster", new_cluster(author_, "job_clusters[key=main]/new_cluster/")}}};
    }
    task["job_cluster_key"] = "main";
    task["notebook_task"] = {{"notebook_path", "/Workspace/Shared/shared"}};
    task["libraries"] = libraries(author_, path);
  }

  void own() {
    if (author_.owner == Owner::nobody) return;
    settings_["edit_mode"] = "UI_LOCKED";
    settings_["deployment"] = {
        {"kind", author_.owner == Owner::bundle ? "BUNDLE" : "SYSTEM_MANAGED"},
        {"metadata_file_path", "/Workspace/Users/ann@example.invalid/.bundle/etl/state/metadata.json"}};
  }
  [[nodiscard]] std::string file_module() const {
    std::string name = options_.package;
    std::replace(name.begin(), name.end(), '-', '_');
    return name;
  }

  Author& author_;
  const GenerateOptions& options_;
  Json settings_;
};

class Generator {
 public:
  explicit Generator(const GenerateOptions& options) : options_(options), draw_(options.seed) {
    if (options_.outputs.empty()) {
      std::string module = options_.package;
      std::replace(module.begin(), module.end(), '-', '_');
      options_.outputs["wheel"] = {module + "-" + shipped_version + "-py3-none-any.whl",
                                   "5f0c3ad2b1e4c6978892a4d3c2b1a0f95f0c3ad2b1e4c6978892a4d3c2b1a0f9"};
    }
  }

  Generated run() {
    jobs();
    for (int i = 0; i < options_.pipelines; ++i) pipeline("p-" + std::to_string(i));
    for (int i = 0; i < options_.clusters; ++i) cluster("c-" + std::to_string(i));
    for (int i = 0; i < options_.policies; ++i) policy("policy-" + std::to_string(i));
    return std::move(out_);
  }

 private:
  // Spread evenly over the identifiers, so that every page of a list has its share.
  [[nodiscard]] static bool chosen(int i, double share) {
    return static_cast<std::int64_t>(static_cast<double>(i + 1) * share + 1e-9) >
           static_cast<std::int64_t>(static_cast<double>(i) * share + 1e-9);
  }

  void jobs() {
    int affected = 0;
    for (int i = 0; i < options_.jobs; ++i) {
      const std::int64_t id = 1001 + std::int64_t{7} * i;
      const std::string object = "jobs/" + std::to_string(id);
      Author author(out_, options_, draw_, object);
      const bool names_it = chosen(i, options_.affected);
      if (names_it) rights(author, object, affected++);
      Json settings = Job(author, id, options_).finish(names_it);
      out_.state.put_job(
          {{"job_id", id}, {"created_time", Author::old + i}, {"settings", std::move(settings)}});
    }
  }

  void rights(Author& author, const std::string& object, int number) {
    if (chosen(number, options_.restricted)) {
      author.hidden = draw_.chance(0.5);
      author.view_only = !author.hidden;
      out_.access.levels[object] = author.hidden ? "NONE" : "CAN_VIEW";
    } else if (!options_.simple && draw_.chance(0.08)) {
      author.owner = draw_.chance(0.6) ? Owner::bundle : Owner::system;
    }
  }

  void pipeline(const std::string& id) {
    Author author(out_, options_, draw_, "pipelines/" + id);
    Texts& texts = author.texts;
    Json list = {{{"notebook", {{"path", "/Workspace/Shared/dlt"}}}}};
    const auto path = [&] { return "libraries[" + std::to_string(list.size()) + "]/"; };
    if (draw_.chance(0.6)) list.push_back({{"whl", author.put(path() + "whl", texts.wheel(false))}});
    if (draw_.chance(0.3)) list.push_back({{"jar", author.put(path() + "jar", texts.jar(false))}});
    if (draw_.chance(0.3)) {
      list.push_back(
          {{"maven", {{"coordinates", author.put(path() + "maven/coordinates", texts.coordinates(false))}}}});
    }
    Json spec{{"id", id},
              {"name", "pipeline " + id},
              {"libraries", std::move(list)},
              {"channel", "CURRENT"},
              {"continuous", false},
              {"development", false},
              {"catalog", "main"}};
    if (draw_.chance(0.6)) {
      spec["environment"]["dependencies"] = {"requests==2.31.0",
                                             author.put("environment/dependencies[1]", texts.line(false))};
    }
    if (draw_.chance(0.4)) {
      Json cluster = new_cluster(author, "clusters[key=default]/");
      cluster["label"] = "default";
      spec["clusters"] = Json::array({std::move(cluster)});
    }
    out_.state.pipelines[id] = {{"pipeline_id", id},
                                {"name", "pipeline " + id},
                                {"state", "IDLE"},
                                {"creator_user_name", "ann@example.invalid"},
                                {"last_modified", Author::old},
                                {"run_as", {{"user_name", "robot@example.invalid"}}},
                                {"parameters", {{"mode", "full"}}},
                                {"spec", std::move(spec)}};
  }

  void cluster(const std::string& id) {
    Generated nothing;
    Author author(options_.interactive ? out_ : nothing, options_, draw_, "clusters/" + id);
    out_.state.clusters[id] = {{"cluster_id", id},
                               {"cluster_name", "shared " + id},
                               {"spark_version", "14.3.x-scala2.12"},
                               {"state", draw_.chance(0.5) ? "RUNNING" : "TERMINATED"},
                               {"cluster_source", "UI"},
                               {"num_workers", 2}};
    for (const auto& each : libraries(author, ""))
      out_.state.libraries[id].push_back({each, "INSTALLED", {}});
    for (const auto& [path, file] : nothing.state.files)
      out_.state.put_file(path, file->bytes, file->modified);
  }

  void policy(const std::string& id) {
    Author author(out_, options_, draw_, "policies/" + id);
    out_.state.policies[id] = {{"policy_id", id},
                               {"name", "policy " + id},
                               {"definition", R"({"spark_version":{"type":"unlimited"}})"},
                               {"max_clusters_per_user", 3},
                               {"creator_user_name", "ann@example.invalid"},
                               {"libraries", libraries(author, "")}};
  }

  GenerateOptions options_;
  Draw draw_;
  Generated out_;
};

// apply_policy_default_values of the outer task that a path lies in is lost when the task is sent back.
void drop_policy_defaults(Json& document, const std::string& path) {
  Json* task = locate(document, path.substr(0, path.find('/')));
  if (task != nullptr && task->contains("new_cluster"))
    (*task)["new_cluster"].erase("apply_policy_default_values");
}

}  // namespace

Generated generate(const GenerateOptions& options) {
  return Generator(options).run();
}

Json expected_document(const Generated& generated, const std::string& object) {
  Json document = document_of(generated.state, object).value_or(Json());
  for (const auto& change : generated.changes) {
    if (change.object != object || change.refused) continue;
    Json* place = locate(document, change.path);
    if (place == nullptr)
      throw Refusal{500, "INTERNAL_ERROR", "no such place: " + object + " " + change.path};
    *place = change.after;
    if (change.path.starts_with("tasks[")) drop_policy_defaults(document, change.path);
  }
  return document;
}

}  // namespace mlship::testing::dbx
