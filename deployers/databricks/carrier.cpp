#include "deployers/databricks/carrier.h"

#include <algorithm>

#include "core/accelerator.h"
#include "core/error.h"
#include "core/host/fs.h"
#include "deployers/build_variant.h"
#include "deployers/databricks/store.h"

namespace mlship::databricks {
namespace {

constexpr std::string_view prefix = "file:";
constexpr size_t hash_digits = 16;

const Output* output_of(const Carrier& carrier, const Release& release) {
  const auto found = std::find_if(release.outputs.begin(), release.outputs.end(), [&](const Output& o) {
    return o.digest == carrier.digest && carrier.place.ends_with("/" + o.filename);
  });
  return found == release.outputs.end() ? nullptr : &*found;
}

std::string parent(const std::string& path) {
  return path.substr(0, path.rfind('/'));
}

// One per version and file name, whatever the content: two contents under one version cannot both have it.
std::string claim_path(const std::string& path) {
  return parent(parent(path)) + path.substr(path.rfind('/')) + ".sha256";
}

std::string claim_text(const Output& output) {
  return output.digest.hex() + "  " + output.filename + "\n";
}

std::string read_text(Api& api, const Stored& file) {
  std::string text;
  file.store->read(api, file.path, [&](std::string_view piece) { text += piece; });
  return text;
}

[[noreturn]] void other_content(const Carrier& carrier, const Release& release, const std::string& there) {
  throw Error(ErrorCode::version_exists, "cannot place " + carrier.place + ": " + release.package + " " +
                                             release.version.str() + " is there with other content")
      .fact("there", there)
      .fact("wanted", carrier.digest.hex())
      .hint("raise the version and publish again");
}

Stored checked_place(const std::string& library_path, const Carrier& carrier, const Release& release,
                     const Output* output) {
  const Stored file = stored(carrier.place);
  const bool ours = output != nullptr && !library_path.empty() && file.store != nullptr &&
                    carrier.id == std::string(prefix) + carrier.place &&
                    carrier.place == published_path(library_path, release, *output);
  if (ours) return file;
  throw Error(ErrorCode::bad_plan, "cannot place " + carrier.place + ": it is not where " + release.package +
                                       " " + release.version.str() + " is kept")
      .hint("mlship plan --out FILE");
}

bool file_claimed(Api& api, const Stored& claim) {
  return claim.store->size(api, claim.path).has_value();
}

// What stands there was put there by somebody; its content decides.
void compare_content(Api& api, const Stored& file, const Carrier& carrier, const Release& release) {
  Sha256 hash;
  file.store->read(api, file.path, [&](std::string_view piece) { hash.update(piece); });
  const Digest there = hash.finish();
  if (there != carrier.digest) other_content(carrier, release, there.hex());
}

void compare_size(Api& api, const Stored& file, const Carrier& carrier, const Output& output) {
  const auto size = file.store->size(api, file.path);
  if (size == output.size) return;
  throw Error(ErrorCode::verification, "cannot place " + carrier.place + ": " +
                                           (size ? "it has " + std::to_string(*size) + " bytes instead of " +
                                                       std::to_string(output.size)
                                                 : std::string("it is not there after the upload")));
}

}  // namespace

std::string published_path(const std::string& library_path, const Release& release, const Output& output) {
  // As the file says it, so that a person finds 1.4.0+cu118 under that name.
  const std::string accelerator = variant_of_file(output.filename, release.version.scheme()).accelerator;
  const Version version = with_accelerator(release.version, accelerator);
  return library_path + "/mlship/" + release.package + "/" + version.str() + "/" +
         output.digest.hex().substr(0, hash_digits) + "/" + output.filename;
}

Carrier file_carrier(const std::string& path, const Output& output) {
  return {std::string(prefix) + path, path, output.digest};
}

bool place_file(Api& api, const std::string& library_path, const Carrier& carrier, const Release& release,
                ReleaseSource& source, const std::filesystem::path& scratch) {
  const Output* output = output_of(carrier, release);
  const Stored file = checked_place(library_path, carrier, release, output);
  const Store& store = *file.store;
  store.make_folder(api, parent(file.path));
  fs::make_folders(scratch);
  const fs::TempFolder folder(scratch);
  const std::filesystem::path local = folder.path() / "output";
  source.write_output(release, *output, local);
  const bool made = store.create(api, file.path, local);
  compare_size(api, file, carrier, *output);
  // The claim comes last: what it stands for is complete and has been looked at.
  const Stored claim{file.store, claim_path(file.path)};
  const bool claimed = !made && file_claimed(api, claim);
  if (!made && !claimed) compare_content(api, file, carrier, release);
  if (claimed || !store.create_text(api, claim.path, claim_text(*output))) {
    const std::string said = read_text(api, claim);
    if (said != claim_text(*output)) other_content(carrier, release, said.substr(0, said.find(' ')));
  }
  return made;
}

bool file_ok(Api& api, const Carrier& carrier, const Release& release) {
  const Output* output = output_of(carrier, release);
  const Stored file = stored(carrier.place);
  if (output == nullptr || file.store == nullptr) return false;
  try {
    return file.store->size(api, file.path) == output->size &&
           read_text(api, {file.store, claim_path(file.path)}) == claim_text(*output);
  } catch (const Error& e) {
    if (e.code() == ErrorCode::not_found) return false;
    throw;
  }
}

}  // namespace mlship::databricks
