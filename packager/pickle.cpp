#include "packager/pickle.h"

#include <algorithm>
#include <array>

#include "core/json_library.h"
#include "core/text.h"
#include "packager/inflate.h"
#include "packager/pickle_walk.h"
#include "packager/zip_heads.h"

namespace mlship {
namespace {

constexpr std::uint64_t head_size = 64U << 10U;  // bytes

// Every opcode of protocols 0 to 5 (CPython Lib/pickle.py).
constexpr std::string_view opcodes =
    "(.012FINSVKLMXTUJBQPRabcdeghijlopqrstu])}G"
    "\x80\x81\x82\x83\x84\x85\x86\x87\x88\x89\x8a\x8b\x8c\x8d\x8e\x8f\x90\x91\x92\x93\x94\x95\x96\x97\x98[C{";

// PROTO 2 to 5, then an opcode: what every pickler since Python 2.3 writes first; legacy PyTorch files begin
// so too. The length that opens a safetensors file can begin with 0x80 0x02; its next byte is then 0 in any
// sane header.
bool binary_pickle(std::string_view head) {
  return head.size() > 2 && head[0] == '\x80' && head[1] >= 2 && head[1] <= 5 &&
         opcodes.find(head[2]) != std::string_view::npos;
}

bool digit(char c) {
  return c >= '0' && c <= '9';
}
bool letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

// Takes a line that is a dotted Python name, as the GLOBAL opcode of protocol 0 has two.
bool name_line(std::string_view& text) {
  const size_t end = text.find('\n');
  if (end == 0 || end == std::string_view::npos || !letter(text.front())) return false;
  const auto name = text.substr(0, end);
  text.remove_prefix(end + 1);
  return std::all_of(name.begin(), name.end(), [](char c) { return letter(c) || digit(c) || c == '.'; });
}

// A memo put: `p` and a number in protocol 0, `q` and a byte in protocol 1 (small at the start of a file).
bool memo_put(std::string_view text) {
  if (text.size() < 2) return false;
  return text[0] == 'p' ? digit(text[1]) : text[0] == 'q' && static_cast<unsigned char>(text[1]) < 0x20;
}

// Protocols 0 and 1 have no magic: a GLOBAL and what can follow it, or a fresh container and its memo put.
bool text_pickle(std::string_view head) {
  if (head.starts_with('(') && head.size() > 2) {
    const bool container = std::string_view("dlt").find(head[1]) != std::string_view::npos;
    if (container && memo_put(head.substr(2))) return true;
    if (head[1] == 'c') return text_pickle(head.substr(1));
  }
  if (head.starts_with(']') || head.starts_with('}') || head.starts_with(')'))
    return memo_put(head.substr(1));
  auto rest = head.substr(head.empty() ? 0 : 1);
  if (!head.starts_with('c') || !name_line(rest) || !name_line(rest)) return false;
  return rest.starts_with('(') || rest.starts_with(')') || memo_put(rest);
}

// What is inside zlib or gzip, joblib's compressed files; no function for anything else.
Bytes unpacked(const Bytes& bytes) {
  const std::string head = bytes(0, 2);
  const bool gzip = head == "\x1f\x8b";
  const bool zlib =
      head.size() > 1 && head[0] == '\x78' && (head[0] * 256 + static_cast<unsigned char>(head[1])) % 31 == 0;
  return gzip || zlib ? inflated(bytes, Deflated::headed) : Bytes();
}

// A dtype of NumPy that is an object: 'O', '|O', '<O8'. A field's own name stands behind a `(`.
bool object_dtype(std::string_view header, size_t quote) {
  const size_t end = header.find(header[quote], quote + 1);
  if (end == std::string_view::npos || (quote > 0 && header[quote - 1] == '(')) return false;
  std::string_view text = header.substr(quote + 1, end - quote - 1);
  if (!text.empty() && std::string_view("|<>=").find(text.front()) != std::string_view::npos)
    text.remove_prefix(1);
  return text.starts_with('O') && text.find_first_not_of("0123456789", 1) == std::string_view::npos;
}

// NumPy's array files hold a pickle when the dtype is object, or one of its fields is (NEP 1).
bool object_array(std::string_view head) {
  if (!head.starts_with("\x93NUMPY")) return false;
  const size_t descr = head.find("descr");
  if (descr == std::string_view::npos) return false;
  const auto header = head.substr(0, head.find('\n'));
  for (size_t at = header.find_first_of("'\"", descr + 6); at < header.size();) {
    if (object_dtype(header, at)) return true;
    const size_t end = header.find(header[at], at + 1);
    if (end == std::string_view::npos) return false;
    at = header.find_first_of("'\"", end + 1);
  }
  return false;
}

Bytes bytes_of(const ByteFile& file) {
  return [&file](std::uint64_t offset, std::uint64_t length) { return file.read(offset, length); };
}

bool is_pickle(const Bytes& bytes) {
  const std::string head = bytes(0, head_size);
  return binary_pickle(head) || text_pickle(head) || runs_as_pickle(bytes);
}

// Itself, or what it compresses.
bool holds_pickle(const Bytes& bytes) {
  if (is_pickle(bytes) || object_array(bytes(0, head_size))) return true;
  const Bytes inner = unpacked(bytes);
  return inner && is_pickle(inner);
}

bool pickle_name(std::string_view file_name) {
  constexpr auto endings = std::to_array<std::string_view>({".pkl", ".pickle", ".joblib"});
  return std::any_of(endings.begin(), endings.end(), [file_name](std::string_view ending) {
    return file_name.find(std::string(ending) + ".") != std::string_view::npos || file_name.ends_with(ending);
  });
}

// All pickles of the file: itself, what it compresses, the members of a zip.
PickleGlobals globals_of(const ByteFile& file) {
  const Bytes bytes = bytes_of(file);
  if (const Bytes inner = unpacked(bytes)) return pickle_globals(inner);
  PickleGlobals out;
  bool zip = false;
  any_zip_member(file, [&](const std::string& /*name*/, const Bytes& member) {
    zip = true;
    if (!is_pickle(member)) return false;
    const PickleGlobals found = pickle_globals(member);
    out.names.insert(found.names.begin(), found.names.end());
    out.complete = out.complete && found.complete;
    return false;
  });
  if (zip) return out;
  // NEP 1: the header ends with a line feed, the pickle follows.
  const std::string head = bytes(0, head_size);
  return pickle_globals(bytes, head.starts_with("\x93NUMPY") ? head.find('\n') + 1 : 0);
}

struct SafeFormat {
  std::string_view module;  // the first part of a global's name
  std::string_view advice;
};
// What each library has instead of a pickle. Formats that no program is in: nothing runs when they are
// loaded.
constexpr auto safe_formats = std::to_array<SafeFormat>({
    {"torch", "safetensors (safetensors.torch.save_file)"},
    {"transformers", "safetensors (save_pretrained(safe_serialization=True))"},
    {"diffusers", "safetensors (save_pretrained(safe_serialization=True))"},
    {"flax", "safetensors (safetensors.flax.save_file)"},
    {"jax", "safetensors (safetensors.flax.save_file)"},
    {"xgboost", "its own JSON or UBJSON (Booster.save_model)"},
    {"lightgbm", "its own text (Booster.save_model)"},
    {"catboost", "its own CBM (save_model)"},
    {"tensorflow", "SavedModel (tf.saved_model.save)"},
    {"keras", "its own .keras archive (model.save)"},
    {"onnx", "ONNX (onnx.save)"},
    {"sklearn", "ONNX (skl2onnx) for many models, skops for more; some tree models have no safe format"},
    {"pandas", "Parquet or Arrow (to_parquet)"},
    {"polars", "Parquet or Arrow (write_parquet)"},
    {"numpy", "safetensors or .npy without objects (numpy.save(allow_pickle=False))"},
});

std::string safe_format(const std::set<std::string>& globals) {
  for (const auto& row : safe_formats) {
    for (const auto& name : globals) {
      if (name.starts_with(std::string(row.module) + ".")) return std::string(row.advice);
    }
  }
  return "none that mlship knows for this library; weights alone go into safetensors";
}

}  // namespace

Json pickle_header(const ByteFile& file, const std::string& kind) {
  const PickleGlobals globals = globals_of(file);
  return {{"format", "pickle"}, {"kind", kind}, {"globals", globals.names}, {"complete", globals.complete}};
}

Error pickle_refused(const ByteFile& file, const std::string& kind, const std::string& shown,
                     const std::string& allow) {
  const PickleGlobals globals = globals_of(file);
  constexpr size_t most = 4;
  std::string names;
  size_t shown_names = 0;
  for (const auto& name : globals.names) {
    if (shown_names++ < most) names += (names.empty() ? "" : ", ") + printable(name);
  }
  if (globals.names.size() > most) names += " and " + std::to_string(globals.names.size() - most) + " more";
  Error error(ErrorCode::model,
              "cannot ship " + shown + ": it is " + kind + ", and loading it runs whatever it says");
  if (!names.empty()) error = std::move(error).fact("imports", names);
  return std::move(error)
      .fact("safe format", safe_format(globals.names))
      .hint("save it in a safe format, or allow this pickle: " + allow);
}

std::string pickle_kind(const ByteFile& file, std::string_view file_name) {
  const Bytes bytes = bytes_of(file);
  if (is_pickle(bytes)) return "a pickle";
  if (const Bytes inner = unpacked(bytes); inner && is_pickle(inner)) return "a compressed pickle";
  const ZipLook look = any_zip_member(file, [](const std::string& name, const Bytes& content) {
    return name.ends_with(".pkl") || name.ends_with(".pickle") || holds_pickle(content);
  });
  if (look == ZipLook::found) return "a PyTorch or other zip with a pickle inside";
  if (look == ZipLook::too_many) return "a zip with more members than mlship looks into";
  if (object_array(bytes(0, head_size))) return "a NumPy file with a pickle inside";
  // Compressions that are not looked into (xz, bz2, lz4, joblib's old ZF format).
  return pickle_name(file_name) ? "named as a pickle" : "";
}

}  // namespace mlship
