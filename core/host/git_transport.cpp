#include "core/host/git_transport.h"

namespace mlship::git2 {
namespace {

constexpr size_t longest_greeting = 4'096;  // bytes, about

int on_action(git_smart_subtransport_stream** out, git_smart_subtransport* self, const char*,
              git_smart_service_t service) {
  auto& wire = *static_cast<Wire*>(self);
  return wire.guard([&] { *out = &wire.open(service); });
}

int on_close(git_smart_subtransport* self) {
  auto& wire = *static_cast<Wire*>(self);
  return wire.guard([&] { wire.shut(); });
}

// Wires and their streams have owners on this side.
void on_free(git_smart_subtransport*) {}
void on_stream_free(git_smart_subtransport_stream*) {}

}  // namespace

Wire::Wire() : git_smart_subtransport{&on_action, &on_close, &on_free} {}

Wire::~Wire() = default;

void Wire::reset() {
  failure = nullptr;
  greeting.clear();
  streams_.clear();
}

Wire::Stream& Wire::keep(std::unique_ptr<Stream> stream) {
  streams_.push_back(std::move(stream));
  return *streams_.back();
}

Wire::Stream::Stream(Wire& wire) : git_smart_subtransport_stream{}, wire_(wire) {
  subtransport = &wire;
  read = [](git_smart_subtransport_stream* self, char* buffer, size_t size, size_t* count) {
    auto& stream = *static_cast<Stream*>(self);
    return stream.wire_.guard([&] {
      *count = stream.get(buffer, size);
      auto& greeting = stream.wire_.greeting;
      if (greeting.size() < longest_greeting) greeting.append(buffer, *count);
    });
  };
  write = [](git_smart_subtransport_stream* self, const char* data, size_t size) {
    auto& stream = *static_cast<Stream*>(self);
    return stream.wire_.guard([&] { stream.put({data, size}); });
  };
  free = &on_stream_free;
}

std::string program_of(git_smart_service_t service) {
  const bool fetching = service == GIT_SERVICE_UPLOADPACK_LS || service == GIT_SERVICE_UPLOADPACK;
  return fetching ? "git-upload-pack" : "git-receive-pack";
}

}  // namespace mlship::git2
