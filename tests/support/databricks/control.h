// The test workspace's own endpoints, for tests in another process: everything below /_test/ is JSON.
//
// clang-format off
//   GET    /_test/state              everything (dump() of state.h)
//   GET    /_test/objects/KIND/ID    the whole JSON of an object; PUT replaces, DELETE removes it
//   GET    /_test/documents/KIND/ID  what its paths begin at: a job's settings, a pipeline's spec, …
//   PUT    /_test/files/PATH         the body becomes the file; GET gives it back
//   GET    /_test/counts             {requests, writes, connections, endpoints{}, statuses{}}
//   GET    /_test/log                {entries: [{number, method, path, query, endpoint, status, connection, at}]}
//   POST   /_test/reset              forgets the log and the faults
//   POST   /_test/faults             one Fault of faults.h by its field names, or {"faults": [...]}; DELETE clears
//   POST   /_test/writer             WriterOptions of writer.h
//   GET    /_test/edits              {edits, lost}
//   POST   /_test/switches           fields of Switches (state.h); what is not named stays
//   POST   /_test/rate               {per_second, burst, retry_after}
//   POST   /_test/latency            {"ms": 50}
//   POST   /_test/advance            {"ms": 3600000}: the workspace's clock goes forward
//   POST   /_test/tokens             {"token": …, fields of Access}
//   POST   /_test/clients            {"id": …, "secret": …}
//   POST   /_test/outcomes           {"job": 7, "outcome": "FAILED"}: what its next runs come to
//   POST   /_test/kill               {"pid": 4711}: whom kill-before and kill-after end
//   POST   /_test/generate           {"seed": 1, fields of GenerateOptions}: fills the workspace; answers what is
//                                    expected: {changes: [...], skipped: [...]}
// clang-format on
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>

#include "tests/support/databricks/workspace.h"

namespace mlship::testing::dbx {

// nullopt: not a request of this kind. `client` receives the process to kill.
std::optional<Reply> control(Workspace& workspace, std::atomic<std::int64_t>& client, const Request& request);

}  // namespace mlship::testing::dbx
