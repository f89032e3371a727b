// safetensors: a u64 length, a JSON header, the tensors' bytes. Only the header is read, and all of it must
// be true: a header that lies about ranges makes a reader hand out one tensor's bytes as another's.
#include <algorithm>
#include <map>
#include <set>

#include "core/error.h"
#include "core/json_library.h"
#include "packager/byte_file.h"
#include "packager/member_path.h"
#include "packager/model.h"

namespace mlship {
namespace {

constexpr std::uint64_t length_size = 8;
constexpr std::uint64_t largest_header = 100'000'000;  // bytes; the reference reader's own limit

// Bits per element of every dtype of the format (safetensors 0.6).
const std::map<std::string, std::uint64_t, std::less<>>& dtype_bits() {
  static const std::map<std::string, std::uint64_t, std::less<>> table{
      {"BOOL", 8},    {"U8", 8},   {"I8", 8},      {"F8_E5M2", 8}, {"F8_E4M3", 8},
      {"F8_E8M0", 8}, {"F4", 4},   {"F6_E2M3", 6}, {"F6_E3M2", 6}, {"I16", 16},
      {"U16", 16},    {"F16", 16}, {"BF16", 16},   {"I32", 32},    {"U32", 32},
      {"F32", 32},    {"C64", 64}, {"F64", 64},    {"I64", 64},    {"U64", 64},
  };
  return table;
}

[[noreturn]] void refuse(const std::string& shown, const std::string& why) {
  throw Error(ErrorCode::model, "cannot read " + shown + ": " + why)
      .hint("save the model again with the safetensors library");
}

std::uint64_t little_endian(std::string_view bytes) {
  std::uint64_t out = 0;
  for (size_t i = bytes.size(); i > 0; --i) out = out << 8U | static_cast<unsigned char>(bytes[i - 1]);
  return out;
}

bool detect(std::string_view file_name, std::string_view head) {
  if (file_name.ends_with(".safetensors")) return true;
  return head.size() > length_size && head[length_size] == '{' &&
         little_endian(head.substr(0, length_size)) <= largest_header;
}

std::string read_header(const ByteFile& file, const std::string& shown) {
  const std::string prefix = file.read(0, length_size);
  if (prefix.size() != length_size) refuse(shown, "it is too short for a safetensors file");
  const std::uint64_t length = little_endian(prefix);
  if (length > largest_header) {
    refuse(shown, "its header would be " + std::to_string(length) + " bytes, and 100,000,000 is the limit");
  }
  if (length > file.size() - length_size) refuse(shown, "its header is cut off");
  std::string text = file.read(length_size, length);
  if (!text.starts_with('{')) refuse(shown, "its header does not begin with '{'");
  return text;
}

struct Tensor {
  std::string name;
  std::string_view dtype;  // as in the table
  std::uint64_t begin = 0, end = 0, elements = 1;
};

bool count(const Json& value, std::uint64_t& out) {
  if (!value.is_number_unsigned()) return false;
  out = value.get<std::uint64_t>();
  return true;
}

// dtype, shape and data_offsets, and nothing else.
bool read_fields(const Json& value, std::string& dtype_name, Tensor& out) {
  if (!value.is_object() || value.size() != 3) return false;
  const auto dtype = value.find("dtype");
  const auto shape = value.find("shape");
  const auto offsets = value.find("data_offsets");
  if (dtype == value.end() || shape == value.end() || offsets == value.end()) return false;
  if (!dtype->is_string() || !shape->is_array() || !offsets->is_array() || offsets->size() != 2) return false;
  dtype_name = dtype->get<std::string>();
  for (const auto& extent : *shape) {
    std::uint64_t n = 0;
    if (!count(extent, n) || __builtin_mul_overflow(out.elements, n, &out.elements)) return false;
  }
  return count((*offsets)[0], out.begin) && count((*offsets)[1], out.end) && out.begin <= out.end;
}

Tensor read_tensor(const std::string& name, const Json& value, const std::string& shown) {
  Tensor out;
  out.name = printable(name);
  std::string dtype;
  if (!read_fields(value, dtype, out)) refuse(shown, "the entry of tensor '" + out.name + "' is malformed");
  const auto bits = dtype_bits().find(dtype);
  if (bits == dtype_bits().end())
    refuse(shown, "tensor '" + out.name + "' has the unknown dtype '" + dtype + "'");
  out.dtype = bits->first;
  std::uint64_t total = 0;
  if (__builtin_mul_overflow(out.elements, bits->second, &total) || total % 8 != 0 ||
      total / 8 != out.end - out.begin) {
    refuse(shown, "the range of tensor '" + out.name + "' does not fit its shape and dtype");
  }
  return out;
}

void check_metadata(const Json& metadata, const std::string& shown) {
  const bool texts = metadata.is_object() && std::all_of(metadata.begin(), metadata.end(),
                                                         [](const Json& value) { return value.is_string(); });
  if (!texts) refuse(shown, "its __metadata__ is not a table of texts");
}

// Every byte of the buffer belongs to exactly one tensor.
void check_ranges(std::vector<Tensor>& tensors, std::uint64_t buffer, const std::string& shown) {
  std::sort(tensors.begin(), tensors.end(), [](const Tensor& a, const Tensor& b) {
    return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
  });
  std::uint64_t at = 0;
  for (const auto& tensor : tensors) {
    if (tensor.begin != at)
      refuse(shown, "the range of tensor '" + tensor.name + "' overlaps another or leaves a gap");
    at = tensor.end;
  }
  if (at != buffer) {
    refuse(shown, "its tensors need " + std::to_string(at) + " bytes and it holds " + std::to_string(buffer));
  }
}

Json inspect(const Path& path, const std::string& shown) {
  const ByteFile file(path);
  const std::string header = read_header(file, shown);
  std::vector<Tensor> tensors;
  // One by one: a header of the size that is allowed has two million tensors.
  read_members(header, ErrorCode::model, "the header of " + shown,
               [&](const std::string& name, const Json& value) {
                 if (name == "__metadata__") return check_metadata(value, shown);
                 tensors.push_back(read_tensor(name, value, shown));
               });
  check_ranges(tensors, file.size() - length_size - header.size(), shown);
  std::uint64_t parameters = 0;
  std::set<std::string_view> dtypes;
  for (const auto& tensor : tensors) {
    // Elements of at least 4 bits within the file: the sum cannot overflow.
    parameters += tensor.elements;
    dtypes.insert(tensor.dtype);
  }
  return Json{
      {"format", "safetensors"}, {"tensors", tensors.size()}, {"parameters", parameters}, {"dtypes", dtypes}};
}

}  // namespace

extern const ModelFactory safetensors_factory;
const ModelFactory safetensors_factory{"safetensors", "tensors with a checked header, no code", detect,
                                       inspect};

}  // namespace mlship
