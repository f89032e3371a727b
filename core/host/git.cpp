#include "core/host/git.h"

#include <algorithm>

#include "core/host/git_transport.h"

namespace mlship {
namespace {

using namespace git2;

constexpr size_t largest_fetch = 512U << 20U;  // bytes received

git_oid id_of(const std::string& hex) {
  git_oid id;
  if (git().oid_fromstr(&id, hex.c_str()) != 0) {
    throw Error(ErrorCode::internal, "cannot use '" + hex + "' as an object id");
  }
  return id;
}

}  // namespace

// ---------------------------------------------------------------- the local repository

struct GitRepository::State {
  Path folder;
  Repository repository;
  Odb odb;

  void check(int code, const std::string& doing) const {
    if (code == 0) return;
    const std::string words = last_words(code);
    const ErrorCode kind = code_of(words, ErrorCode::io);
    Error error(kind, "cannot " + doing + " in " + folder.string() + ": " + words);
    if (kind != ErrorCode::io) throw error;
    throw std::move(error).hint("move this folder away: it is a copy of what the server has");
  }

  [[nodiscard]] Tree tree(const std::string& commit_id) const {
    Commit commit;
    Tree tree;
    const git_oid id = id_of(commit_id);
    check(git().commit_lookup(commit.out(), repository.get(), &id), "read the commit " + commit_id);
    check(git().commit_tree(tree.out(), commit.get()), "read the tree of " + commit_id);
    return tree;
  }
};

GitRepository::GitRepository(const Path& folder) : state_(std::make_unique<State>()) {
  State& s = *state_;
  s.folder = folder;
  int code = git().repository_open_bare(s.repository.out(), folder.c_str());
  if (code == GIT_ENOTFOUND) {
    fs::make_folders(folder);
    fs::set_mode(folder, 0700);
    code = git().repository_init(s.repository.out(), folder.c_str(), 1);
  }
  s.check(code, "open the repository");
  s.check(git().libgit2_opts(GIT_OPT_ENABLE_FSYNC_GITDIR, 1), "ask for fsync");
  s.check(git().repository_odb(s.odb.out(), s.repository.get()), "open the objects");
}

GitRepository::~GitRepository() = default;

bool GitRepository::has(const std::string& commit) const {
  const git_oid id = id_of(commit);
  return git().odb_exists(state_->odb.get(), &id) != 0;
}

bool GitRepository::descends(const std::string& commit, const std::string& ancestor) const {
  if (commit == ancestor) return true;
  const git_oid late = id_of(commit);
  const git_oid early = id_of(ancestor);
  if (!has(ancestor)) return false;
  return git().graph_descendant_of(state_->repository.get(), &late, &early) == 1;
}

namespace {

GitEntry convert(const git_tree_entry* entry) {
  GitEntry out{git().tree_entry_name(entry), GitEntry::Kind::other, hex(*git().tree_entry_id(entry))};
  const auto mode = git().tree_entry_filemode(entry);
  if (mode == GIT_FILEMODE_TREE) out.kind = GitEntry::Kind::folder;
  if (mode == GIT_FILEMODE_BLOB || mode == GIT_FILEMODE_BLOB_EXECUTABLE) out.kind = GitEntry::Kind::file;
  return out;
}

}  // namespace

std::optional<GitEntry> GitRepository::look(const std::string& commit, const std::string& path) const {
  const Tree root = state_->tree(commit);
  TreeEntry entry;
  const int code = git().tree_entry_bypath(entry.out(), root.get(), path.c_str());
  if (code == GIT_ENOTFOUND) return std::nullopt;
  state_->check(code, "look for " + path);
  return convert(entry.get());
}

std::vector<GitEntry> GitRepository::list(const std::string& commit, const std::string& folder) const {
  const auto place = look(commit, folder);
  if (!place || place->kind != GitEntry::Kind::folder) return {};
  Tree tree;
  const git_oid id = id_of(place->id);
  state_->check(git().tree_lookup(tree.out(), state_->repository.get(), &id), "read " + folder);
  std::vector<GitEntry> entries;
  for (size_t i = 0; i < git().tree_entrycount(tree.get()); ++i) {
    entries.push_back(convert(git().tree_entry_byindex(tree.get(), i)));
  }
  std::sort(entries.begin(), entries.end(),
            [](const GitEntry& a, const GitEntry& b) { return a.name < b.name; });
  return entries;
}

std::uint64_t GitRepository::size(const std::string& blob) const {
  const git_oid id = id_of(blob);
  size_t size = 0;
  git_object_t type = GIT_OBJECT_INVALID;
  state_->check(git().odb_read_header(&size, &type, state_->odb.get(), &id), "read the object " + blob);
  return size;
}

std::string GitRepository::read(const std::string& blob) const {
  const git_oid id = id_of(blob);
  Blob content;
  state_->check(git().blob_lookup(content.out(), state_->repository.get(), &id), "read the object " + blob);
  return {static_cast<const char*>(git().blob_rawcontent(content.get())),
          static_cast<size_t>(git().blob_rawsize(content.get()))};
}

std::string GitRepository::commit(const std::string& parent, const std::vector<GitFile>& files,
                                  const GitAuthor& author, const std::string& message) {
  State& s = *state_;
  std::vector<git_tree_update> updates;
  for (const auto& file : files) {
    git_tree_update update{GIT_TREE_UPDATE_UPSERT, {}, GIT_FILEMODE_BLOB, file.path.c_str()};
    s.check(git().blob_create_from_buffer(&update.id, s.repository.get(), file.content.data(),
                                          file.content.size()),
            "write an object");
    updates.push_back(update);
  }
  Tree before, after;
  Commit last;
  if (!parent.empty()) {
    const git_oid id = id_of(parent);
    before = s.tree(parent);
    s.check(git().commit_lookup(last.out(), s.repository.get(), &id), "read the commit " + parent);
  }
  git_oid tree_id, made;
  s.check(
      git().tree_create_updated(&tree_id, s.repository.get(), before.get(), updates.size(), updates.data()),
      "write a tree");
  s.check(git().tree_lookup(after.out(), s.repository.get(), &tree_id), "read a tree");
  Signature signature;
  s.check(git().signature_new(signature.out(), author.name.c_str(), author.email.c_str(), author.when, 0),
          "sign a commit as " + author.name);
  const git_commit* parents[] = {last.get()};
  s.check(git().commit_create(&made, s.repository.get(), nullptr, signature.get(), signature.get(), nullptr,
                              message.c_str(), after.get(), parent.empty() ? 0 : 1, parents),
          "write a commit");
  return hex(made);
}

std::string GitRepository::remembered(const std::string& reference) const {
  git_oid id;
  const int code = git().reference_name_to_id(&id, state_->repository.get(), reference.c_str());
  if (code == GIT_ENOTFOUND) return "";
  state_->check(code, "read the reference " + reference);
  return hex(id);
}

void GitRepository::remember(const std::string& reference, const std::string& commit) {
  const git_oid id = id_of(commit);
  Reference made;
  const int code =
      git().reference_create(made.out(), state_->repository.get(), reference.c_str(), &id, 1, "");
  // Another process of this machine remembers it at this moment.
  if (code != GIT_ELOCKED) state_->check(code, "write the reference " + reference);
}

// ---------------------------------------------------------------- the server

struct GitRemote::State {
  State(GitRepository& repository, std::string address, const Host& host)
      : local(repository), url(std::move(address)), http(curl_http(host.env, host.clock)) {
    if (url.starts_with("http")) {
      wire = http_wire(url, *http, host.process);
    } else {
      wire = program_wire(url, host.env);
    }
  }

  GitRefs read(const std::set<std::string>& wanted);
  void check_empty();

  GitRepository& local;
  std::string url;
  std::unique_ptr<Http> http;  // its own: it may be used by another thread than the program's
  std::unique_ptr<Wire> wire;
};

namespace {

// One connection and what libgit2 tells about it.
class Session {
 public:
  Session(git_repository* repository, const std::string& url, Wire& wire) : url_(url), wire_(wire) {
    wire_.reset();
    git_remote_create_options options;
    git().remote_create_options_init(&options, GIT_REMOTE_CREATE_OPTIONS_VERSION);
    options.repository = repository;
    options.flags = GIT_REMOTE_CREATE_SKIP_INSTEADOF | GIT_REMOTE_CREATE_SKIP_DEFAULT_FETCHSPEC;
    check(git().remote_create_with_opts(remote_.out(), url.c_str(), &options));
  }
  ~Session() {
    if (remote_) git().remote_disconnect(remote_.get());
  }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  GitRefs connect(git_direction direction) {
    git_remote_connect_options options;
    git().remote_connect_options_init(&options, GIT_REMOTE_CONNECT_OPTIONS_VERSION);
    options.callbacks = callbacks();
    check(git().remote_connect_ext(remote_.get(), direction, &options));
    const git_remote_head** heads = nullptr;
    size_t count = 0;
    check(git().remote_ls(&heads, &count, remote_.get()));
    GitRefs refs;
    for (size_t i = 0; i < count; ++i) {
      const std::string name = heads[i]->name;
      if (name.starts_with("refs/") && !name.ends_with("^{}")) refs[name] = hex(heads[i]->oid);
    }
    return refs;
  }

  void download(std::vector<std::string> names) {
    git_fetch_options options;
    git().fetch_options_init(&options, GIT_FETCH_OPTIONS_VERSION);
    options.callbacks = callbacks();
    options.download_tags = GIT_REMOTE_DOWNLOAD_TAGS_NONE;
    const auto specs = pointers(names);
    const git_strarray array{const_cast<char**>(specs.data()), specs.size()};
    check(git().remote_download(remote_.get(), &array, &options));
  }

  // False when the server's references moved since connect().
  bool upload(std::vector<std::string> specs_text, GitPush& result) {
    git_push_options options;
    git().push_options_init(&options, GIT_PUSH_OPTIONS_VERSION);
    options.callbacks = callbacks();
    const auto specs = pointers(specs_text);
    const git_strarray array{const_cast<char**>(specs.data()), specs.size()};
    const int code = git().remote_upload(remote_.get(), &array, &options);
    result.words = words_;
    if (code == GIT_ENONFASTFORWARD && wire_.failure == nullptr) return false;
    check(code);
    result.updated = updated_;
    result.refused = refused_;
    return true;
  }

 private:
  static std::vector<char*> pointers(std::vector<std::string>& texts) {
    std::vector<char*> out;
    for (auto& text : texts) out.push_back(text.data());
    return out;
  }

  git_remote_callbacks callbacks() {
    git_remote_callbacks c{};
    c.version = GIT_REMOTE_CALLBACKS_VERSION;
    c.payload = this;
    c.transport = [](git_transport** out, git_remote* owner, void* self) {
      auto& session = *static_cast<Session*>(self);
      session.definition_ = {[](git_smart_subtransport** wire, git_transport*, void* param) {
                               *wire = static_cast<Wire*>(param);
                               return 0;
                             },
                             session.wire_.stateless() ? 1U : 0U, &session.wire_};
      return git().transport_smart(out, owner, &session.definition_);
    };
    c.sideband_progress = [](const char* text, int size, void* self) {
      auto& words = static_cast<Session*>(self)->words_;
      if (words.size() < 2000) words.append(text, static_cast<size_t>(size));
      return 0;
    };
    c.transfer_progress = [](const git_indexer_progress* stats, void*) {
      return stats->received_bytes > largest_fetch ? -1 : 0;
    };
    c.push_update_reference = [](const char* name, const char* status, void* self) {
      auto& session = *static_cast<Session*>(self);
      if (status == nullptr) {
        session.updated_.insert(name);
      } else {
        session.refused_[name] = status;
      }
      return 0;
    };
    return c;
  }

  void check(int code) const {
    if (code == 0) return;
    // libgit2 1.5 knows SHA-1 alone (gitprotocol-capabilities(5) §object-format).
    if (wire_.greeting.find("object-format=sha256") != std::string::npos) {
      throw Error(ErrorCode::ledger, "cannot use the repository " + printable_url(url_) +
                                         ": its objects have SHA-256 names, which this mlship does not read")
          .hint("make one with: git init --bare --object-format=sha1");
    }
    if (wire_.failure) std::rethrow_exception(wire_.failure);
    const std::string words = last_words(code);
    throw Error(code_of(words, ErrorCode::network),
                "cannot use the repository " + printable_url(url_) + ": " + words);
  }

  const std::string& url_;
  Wire& wire_;
  Remote remote_;
  git_smart_subtransport_definition definition_{};
  std::set<std::string> updated_;
  std::map<std::string, std::string> refused_;
  std::string words_;
};

// libgit2 pushes references only, so what is pushed has one for that long.
class Outgoing {
 public:
  Outgoing(GitRepository& local, const GitRefs& updates) : local_(local), updates_(updates) {
    for (const auto& [name, commit] : updates_) local_.remember(local_name(commit), commit);
  }
  ~Outgoing() {
    for (const auto& [name, commit] : updates_) {
      git().reference_remove(local_.state().repository.get(), local_name(commit).c_str());
    }
  }
  Outgoing(const Outgoing&) = delete;
  Outgoing& operator=(const Outgoing&) = delete;

  [[nodiscard]] std::vector<std::string> specs() const {
    std::vector<std::string> out;
    for (const auto& [name, commit] : updates_) out.push_back(local_name(commit) + ":" + name);
    return out;
  }

 private:
  static std::string local_name(const std::string& commit) { return "refs/outgoing/" + commit; }

  GitRepository& local_;
  const GitRefs& updates_;
};

}  // namespace

GitRemote::GitRemote(GitRepository& repository, std::string url, const Host& host)
    : state_(std::make_unique<State>(repository, std::move(url), host)) {}

GitRemote::~GitRemote() = default;

// Before git 2.41 an empty repository tells readers nothing of itself, not even how it names objects.
void GitRemote::State::check_empty() {
  try {
    Session session(local.state().repository.get(), url, *wire);
    (void)session.connect(GIT_DIRECTION_PUSH);
  } catch (const Error& e) {
    if (e.code() == ErrorCode::ledger) throw;
  }
}

GitRefs GitRemote::fetch(const std::set<std::string>& wanted) {
  GitRefs refs = state_->read(wanted);
  if (refs.empty()) state_->check_empty();
  return refs;
}

GitRefs GitRemote::State::read(const std::set<std::string>& wanted) {
  Session session(local.state().repository.get(), url, *wire);
  GitRefs refs = session.connect(GIT_DIRECTION_FETCH);
  std::vector<std::string> missing;
  for (const auto& [name, commit] : refs) {
    if (wanted.contains(name) && !local.has(commit)) missing.push_back(name);
  }
  if (!missing.empty()) {
    session.download(missing);
    git().odb_refresh(local.state().odb.get());
  }
  return refs;
}

GitPush GitRemote::push(const GitRefs& updates, const GitRefs& expected) {
  Session session(state_->local.state().repository.get(), state_->url, *state_->wire);
  GitPush result;
  result.refs = session.connect(GIT_DIRECTION_PUSH);
  for (const auto& [name, commit] : expected) {
    const auto at = result.refs.find(name);
    if ((at == result.refs.end() ? "" : at->second) != commit) result.moved = true;
  }
  if (result.moved) return result;
  const Outgoing outgoing(state_->local, updates);
  result.moved = !session.upload(outgoing.specs(), result);
  return result;
}

}  // namespace mlship
