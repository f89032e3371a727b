#include "core/host/git_transport.h"

namespace mlship::git2 {
namespace {

int on_action(git_smart_subtransport_stream** out, git_smart_subtransport* self, const char*,
           git_smart_service_t service) {
  auto& wire = *static_cast<Wire*>(self);
  return wire.guard([&] { *out = wire.open(service).release(); });
}

int on_close(git_smart_subtransport* self) {
  auto& wire = *static_cast<Wire*>(self);
  return wire.guard([&] { wire.shut(); });
}

void on_free(git_smart_subtransport*) {}  // the caller of libgit2 owns the wire

}  // namespace

Wire::Wire() : git_smart_subtransport{&on_action, &on_close, &on_free} {}

Wire::Stream::Stream(Wire& wire) : git_smart_subtransport_stream{}, wire_(wire) {
  subtransport = &wire;
  read = [](git_smart_subtransport_stream* self, char* buffer, size_t size, size_t* count) {
    auto& stream = *static_cast<Stream*>(self);
    return stream.wire_.guard([&] { *count = stream.get(buffer, size); });
  };
  write = [](git_smart_subtransport_stream* self, const char* data, size_t size) {
    auto& stream = *static_cast<Stream*>(self);
    return stream.wire_.guard([&] { stream.put({data, size}); });
  };
  free = [](git_smart_subtransport_stream* self) { delete static_cast<Stream*>(self); };
}

std::string program_of(git_smart_service_t service) {
  const bool fetching = service == GIT_SERVICE_UPLOADPACK_LS || service == GIT_SERVICE_UPLOADPACK;
  return fetching ? "git-upload-pack" : "git-receive-pack";
}

}  // namespace mlship::git2
