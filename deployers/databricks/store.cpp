#include "deployers/databricks/store.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <memory>

#include "core/base64.h"
#include "core/error.h"
#include "core/host/fs.h"
#include "deployers/databricks/kind.h"
#include "deployers/reference_forms.h"

namespace mlship::databricks {
namespace {

HttpBody body_of(const std::filesystem::path& file) {
  const auto in = std::make_shared<std::ifstream>(file, std::ios::binary);
  HttpBody body;
  body.size = std::filesystem::file_size(file);
  body.read = [in, file](std::uint64_t offset, char* data, size_t room) {
    in->clear();
    in->seekg(static_cast<std::streamoff>(offset));
    in->read(data, static_cast<std::streamsize>(room));
    if (in->bad()) throw Error(ErrorCode::io, "cannot read " + file.string());
    return static_cast<size_t>(in->gcount());
  };
  return body;
}

bool is_there_already(const Error& e) {
  return e.code() == ErrorCode::http_conflict || e.code() == ErrorCode::http_precondition;
}

// True when the call made it; false when the name is taken.
bool created(Api& api, Call call) {
  call.repeat = Repeat::any;  // arriving twice it finds itself there, which the caller looks into
  try {
    api.exchange(call);
    return true;
  } catch (const Error& e) {
    if (is_there_already(e)) return false;
    throw;
  }
}

// Things that are there may have no size (notebooks, libraries): 0 then.
std::optional<std::uint64_t> number_at(const Json& json, std::string_view member) {
  const Json& value = member_of(json, member);
  return value.is_number_unsigned() ? value.get<std::uint64_t>() : 0;
}

template <typename Ask>
auto unless_absent(Ask ask) -> decltype(ask()) {
  try {
    return ask();
  } catch (const Error& e) {
    if (e.code() == ErrorCode::not_found) return std::nullopt;
    throw;
  }
}

// Unity Catalog volumes: the Files API.
class Volumes final : public Store {
 public:
  [[nodiscard]] std::uint64_t limit() const override { return 5ULL << 30U; }
  [[nodiscard]] std::string_view what() const override { return "a volume"; }

  [[nodiscard]] std::string missing_root(Api& api, const std::string& path) const override {
    const std::string volume = volume_of(path);
    Call call{"HEAD", "/api/2.0/fs/directories" + url_encoded(volume, true)};
    call.doing = "look at " + volume;
    const auto there = unless_absent([&] { return std::optional(api.exchange(call).status); });
    return there ? "" : "there is no volume " + volume;
  }
  void make_folder(Api& api, const std::string& path) const override {
    Call call{"PUT", "/api/2.0/fs/directories" + url_encoded(path, true)};
    call.doing = "make the folder " + path;
    api.exchange(call);
  }
  bool create(Api& api, const std::string& path, const std::filesystem::path& from) const override {
    Call call = put(path);
    call.stream = body_of(from);
    return created(api, std::move(call));
  }
  bool create_text(Api& api, const std::string& path, const std::string& text) const override {
    Call call = put(path);
    call.raw = text;
    return created(api, std::move(call));
  }
  [[nodiscard]] std::optional<std::uint64_t> size(Api& api, const std::string& path) const override {
    Call call{"HEAD", files(path)};
    call.doing = "look at " + path;
    return unless_absent([&]() -> std::optional<std::uint64_t> {
      const auto length = api.exchange(call).header("content-length");
      if (length) return std::stoull(*length);
      throw Error(ErrorCode::server_error, "cannot " + call.doing + ": the answer has no size");
    });
  }
  void read(Api& api, const std::string& path,
            const std::function<void(std::string_view)>& sink) const override {
    Call call{"GET", files(path)};
    call.doing = "read " + path;
    call.sink = sink;
    call.repeat = Repeat::once;  // what the sink has cannot be taken back
    api.exchange(call);
  }

 private:
  // "/Volumes/CATALOG/SCHEMA/VOLUME" of a path in it.
  static std::string volume_of(const std::string& path) {
    size_t end = 0;
    for (int part = 0; part < 4 && end != std::string::npos; ++part) end = path.find('/', end + 1);
    return path.substr(0, end);
  }
  static std::string files(const std::string& path) { return "/api/2.0/fs/files" + url_encoded(path, true); }
  static Call put(const std::string& path) {
    Call call{"PUT", files(path), {{"overwrite", "false"}}};
    call.doing = "upload " + path;
    return call;
  }
};

// Workspace files: base64 in JSON, ten megabytes at most.
class WorkspaceFiles final : public Store {
 public:
  [[nodiscard]] std::uint64_t limit() const override { return 10ULL << 20U; }
  [[nodiscard]] std::string_view what() const override { return "workspace files"; }

  void make_folder(Api& api, const std::string& path) const override {
    Call call{"POST", "/api/2.0/workspace/mkdirs"};
    call.body = {{"path", path}};
    call.doing = "make the folder " + path;
    api.exchange(call);
  }
  bool create(Api& api, const std::string& path, const std::filesystem::path& from) const override {
    return create_text(api, path, fs::read_file(from, limit()));
  }
  bool create_text(Api& api, const std::string& path, const std::string& text) const override {
    Call call{"POST", "/api/2.0/workspace/import"};
    call.body = {{"path", path}, {"format", "AUTO"}, {"overwrite", false}, {"content", base64_encode(text)}};
    call.doing = "upload " + path;
    return created(api, std::move(call));
  }
  [[nodiscard]] std::optional<std::uint64_t> size(Api& api, const std::string& path) const override {
    Call call{"GET", "/api/2.0/workspace/get-status", {{"path", path}}};
    call.doing = "look at " + path;
    return unless_absent([&] { return number_at(api.call(call), "size"); });
  }
  void read(Api& api, const std::string& path,
            const std::function<void(std::string_view)>& sink) const override {
    Call call{"GET", "/api/2.0/workspace/export", {{"path", path}, {"format", "AUTO"}}};
    call.doing = "read " + path;
    const auto content = base64_decode(text_at(api.call(call), "content"));
    if (!content) throw Error(ErrorCode::server_error, "cannot " + call.doing + ": the content is no base64");
    sink(*content);
  }
};

// The DBFS root: a megabyte at a time, made beside its name and moved there when it is complete.
class Dbfs final : public Store {
 public:
  [[nodiscard]] std::uint64_t limit() const override { return 5ULL << 30U; }
  [[nodiscard]] std::string_view what() const override { return "DBFS"; }
  [[nodiscard]] std::string_view remark() const override {
    return "from Databricks Runtime 15 on, clusters take no libraries from the DBFS root by default";
  }

  void make_folder(Api& api, const std::string& path) const override {
    post(api, "mkdirs", {{"path", path}}, "make the folder " + path);
  }
  bool create(Api& api, const std::string& path, const std::filesystem::path& from) const override {
    const HttpBody body = body_of(from);
    const std::string doing = "upload " + path;
    const std::string part = path + fs::unique_name(".part-");
    const Json handle =
        member_of(post(api, "create", {{"path", part}, {"overwrite", true}}, doing), "handle");
    std::string block(block_size, '\0');
    for (std::uint64_t done = 0; done < body.size;) {
      const size_t n = body.read(done, block.data(), block.size());
      post(api, "add-block", {{"handle", handle}, {"data", base64_encode(block.substr(0, n))}}, doing,
           Repeat::once);
      done += n;
    }
    post(api, "close", {{"handle", handle}}, doing);
    return moved(api, part, path);
  }
  bool create_text(Api& api, const std::string& path, const std::string& text) const override {
    Call call{"POST", "/api/2.0/dbfs/put"};
    call.body = {{"path", path}, {"contents", base64_encode(text)}, {"overwrite", false}};
    call.doing = "upload " + path;
    return created(api, std::move(call));
  }
  [[nodiscard]] std::optional<std::uint64_t> size(Api& api, const std::string& path) const override {
    Call call{"GET", "/api/2.0/dbfs/get-status", {{"path", path}}};
    call.doing = "look at " + path;
    return unless_absent([&] { return number_at(api.call(call), "file_size"); });
  }
  void read(Api& api, const std::string& path,
            const std::function<void(std::string_view)>& sink) const override {
    for (std::uint64_t offset = 0;;) {
      Call call{"GET",
                "/api/2.0/dbfs/read",
                {{"path", path}, {"offset", std::to_string(offset)}, {"length", std::to_string(block_size)}}};
      call.doing = "read " + path;
      const auto data = base64_decode(text_at(api.call(call), "data"));
      if (!data) throw Error(ErrorCode::server_error, "cannot " + call.doing + ": the content is no base64");
      if (data->empty()) return;
      sink(*data);
      offset += data->size();
    }
  }

 private:
  static constexpr size_t block_size = 1U << 19U;  // bytes; with base64 below the megabyte of a call

  static Json post(Api& api, const std::string& verb, Json body, const std::string& doing,
                   Repeat repeat = Repeat::any) {
    Call call{"POST", "/api/2.0/dbfs/" + verb};
    call.body = std::move(body);
    call.doing = doing;
    call.repeat = repeat;
    return api.call(call);
  }
  static bool moved(Api& api, const std::string& part, const std::string& path) {
    Call call{"POST", "/api/2.0/dbfs/move"};
    call.body = {{"source_path", part}, {"destination_path", path}};
    call.doing = "upload " + path;
    if (created(api, std::move(call))) return true;
    post(api, "delete", {{"path", part}}, "remove " + part);
    return false;
  }
};

const Volumes volumes;
const WorkspaceFiles workspace_files;
const Dbfs dbfs;

// Spellings of one place (databricks.md: `dbfs:/Volumes` is `/Volumes`, `/dbfs/` is `dbfs:/`).
struct StoreRow {
  std::string_view prefix;
  std::string_view instead;
  const Store& store;
};
const auto rows = std::to_array<StoreRow>({
    {"/Volumes/", "/Volumes/", volumes},
    {"dbfs:/Volumes/", "/Volumes/", volumes},
    {"/dbfs/Volumes/", "/Volumes/", volumes},
    {"/Workspace/", "/Workspace/", workspace_files},
    {"/Users/", "/Workspace/Users/", workspace_files},
    {"/Shared/", "/Workspace/Shared/", workspace_files},
    {"/Repos/", "/Workspace/Repos/", workspace_files},
    {"dbfs:/", "/", dbfs},
    {"/dbfs/", "/", dbfs},
});

// Without its query and fragment, and without escapes.
std::string path_of_url(std::string_view url) {
  return forms::percent_decoded(url.substr(0, url.find_first_of("?#")));
}

}  // namespace

Stored stored(std::string_view path) {
  // `file:/x` and `file:///x` are `/x`.
  const bool url = path.starts_with("file:/");
  if (url) path.remove_prefix(std::string_view(path.starts_with("file:///") ? "file://" : "file:").size());
  const std::string named = url ? path_of_url(path) : std::string(path);
  const std::string normal = std::filesystem::path(named).lexically_normal().string();  // where `..` leads to
  const auto row =
      std::find_if(rows.begin(), rows.end(), [&](const StoreRow& r) { return normal.starts_with(r.prefix); });
  if (row == rows.end()) return {};
  return {&row->store, std::string(row->instead) + normal.substr(row->prefix.size())};
}

}  // namespace mlship::databricks
